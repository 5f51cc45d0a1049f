import { startBot } from '@longtake/discord-bot'

// LONGTAKE_DISCORD_TOKEN is needed; all other settings have defaults.
const bot = await startBot(process.env)
console.log(`${bot.name} is in Discord.`)
console.log(`Add it to a server: ${bot.invite.server}`)

// Running questions end or wait for the next start: what was taken on is answered.
process.once('SIGTERM', () => bot.close())
process.once('SIGINT', () => bot.close())
