import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { ask } from './commands/ask.js'
import { bot, inviteBot, registerBot } from './commands/bot.js'
import { chat } from './commands/chat.js'
import { doctor } from './commands/doctor.js'
import { mcp } from './commands/mcp.js'
import { models, removeModels } from './commands/models.js'
import { plan } from './commands/plan.js'
import { pull } from './commands/pull.js'
import { serve } from './commands/serve.js'
import { trace } from './commands/trace.js'
import type { ExitCode } from './exit-code.js'
import type { Session } from './main.js'
import { addModelFlag, addModelFlags } from './model-options.js'
import { addAnswerFlags, addWatchFlags, choice } from './options.js'
import { WEIGHTS } from './resources.js'

const EXIT_CODES = `
Exit codes: 0 answered, 2 wrong usage, 3 the video cannot be used, 4 a problem with the model, 130 interrupted.
LONGTAKE_DEBUG=1 shows where a failure comes from.`

/** Usage of commands that answer one question. */
const QUESTION_USAGE = '[options] <files...> <question>'

/** Descriptions in narrower columns than this are not broken. */
const MIN_HELP_WIDTH = 16

/** Every command with its options; `onExit` is told the code of commands that end with one. */
export function buildProgram(session: Session, onExit: (code: ExitCode) => void): Command {
  const { out, err } = session
  const program = new Command('longtake')
    .description('Asks questions about long videos.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', EXIT_CODES)
    .exitOverride()
    .configureHelp({ minWidthToWrap: MIN_HELP_WIDTH })
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      // Told by main, in a sentence of its own.
      outputError: () => {},
      getOutHelpWidth: () => out.columns,
      getErrHelpWidth: () => err.columns,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
  addAsk(program, session)
  addChat(program, session, onExit)
  addPlan(program, session)
  addTrace(program, session)
  addModels(program, session)
  program
    .command('serve')
    .description('answer over HTTP as OpenAI-compatible clients ask; configured by LONGTAKE_… variables')
    .option('--host <address>', 'address to listen on; without keys loopback only')
    .option('--port <number>', 'port to listen on, 8080 where nothing is said')
    .option('--model <id...>', 'models to serve')
    .option('--new-key <name>', 'print a new key, and what the server is told of it; start nothing')
    .action((flags) => serve(flags, session))
  addBot(program, session)
  const tools = program
    .command('mcp')
    .description(
      'give an agent tools to ask about videos (Model Context Protocol, standard input and output)',
    )
  addModelFlag(tools)
    .option('--folder <path...>', 'folders whose videos the agent may name; else links only')
    .option('--allow-private', 'let links lead into your own machine and network, on any port')
    .action((flags) => mcp(flags, packageVersion(), session))
  program
    .command('doctor')
    .description('check that everything Longtake needs is here and works, and which models fit')
    .option('--json', 'print one JSON object')
    .action(async (flags) => onExit(await doctor(flags, session)))
  return program
}

function addBot(program: Command, session: Session): void {
  const command = program
    .command('bot')
    .description('answer in Discord; configured by LONGTAKE_… variables, LONGTAKE_DISCORD_TOKEN first')
    .action(() => bot(session))
  command
    .command('register')
    .description('tell Discord the commands, and start nothing')
    .option('--guild <id>', 'in one server alone, where they appear at once')
    .action((flags) => registerBot(flags, session))
  command
    .command('invite')
    .description('print the addresses that add the bot to a server, or to an account')
    .action(() => inviteBot(session))
}

function addModels(program: Command, session: Session): void {
  program
    .command('pull')
    .description('download a model from Hugging Face, so that --model finds it')
    .argument('<model>', 'org/name, or org/name@revision')
    .option('--revision <name>', 'branch, tag or commit')
    .option('--offline', 'ask no hub: tell whether the model is here')
    .addOption(choice('--weights <type>', 'storage that its weights are prepared in', WEIGHTS))
    .option('--no-prepare', 'leave preparing the weights to the first question')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'no progress')
    .action((id, flags) => pull(id, flags, session))
  const list = program
    .command('models')
    .description('list the checkpoints that are here')
    .option('--json', 'print one JSON object')
    .action((flags) => models(flags, session))
  list
    .command('rm')
    .description('remove a model that was pulled, and the weights that were prepared of it')
    .argument(
      '<model>',
      'org/name for all of it, org/name@revision, or the folder of one that was not pulled',
    )
    .action((id) => removeModels(id, session))
}

function addAsk(program: Command, session: Session): void {
  const command = program
    .command('ask')
    .description('answer a question about a video, or about images')
    .argument('<inputs...>', 'a video file or link, or one or more images; then the question, in quotes')
    .usage(QUESTION_USAGE)
  addFlags(command)
    .option('--json', 'print one JSON object, with the frames that mattered and all costs')
    .option('--storyboard <file>', 'write a contact sheet with the frames that mattered marked (.png)')
    .option('--quiet', 'no progress and no notes')
    .action((inputs, flags) => ask(withQuestion(command, inputs), flags, session))
}

function addChat(program: Command, session: Session, onExit: (code: ExitCode) => void): void {
  const command = program
    .command('chat')
    .description('watch a video once and answer questions, one a line')
    .argument('<files...>', 'a video file or link, or one or more images')
  addFlags(command)
    .option('--quiet', 'no progress and no notes')
    .action(async (files, flags) => onExit(await chat(files, flags, session)))
}

function addPlan(program: Command, session: Session): void {
  const command = program
    .command('plan')
    .description('tell what would be downloaded, read, encoded and held, and run nothing')
    .argument('<files...>', 'a video file or link, or one or more images')
  addFlags(command)
    .option('--offline', 'ask no hub about a model that was not pulled')
    .option('--json', 'print one JSON object')
    .action((files, flags) => plan(files, flags, session))
}

function addTrace(program: Command, session: Session): void {
  const command = program
    .command('trace')
    .description('answer a question and write a page that shows how the answer came about')
    .argument('<inputs...>', 'a video file or link, or one or more images; then the question, in quotes')
    .usage(QUESTION_USAGE)
  addFlags(command)
    .requiredOption('--out <file>', 'the page to write (.html)')
    .option('--quiet', 'no progress and no notes')
    .action((inputs, flags) => trace(withQuestion(command, inputs), flags, session))
}

/** Commander knows no arguments after several of one kind. */
function withQuestion(command: Command, inputs: readonly string[]): readonly string[] {
  if (inputs.length < 2) command.error("error: missing required argument 'question'")
  return inputs
}

function addFlags(command: Command): Command {
  return addAnswerFlags(addWatchFlags(addModelFlags(command)))
}

/** The manifest lies one folder above both the sources and the build. */
function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  return String(typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : '')
}
