import type { Texts } from './texts.js'

/** What the bot says in English. */
export const en: Texts = {
  stages: {
    open: 'Opening the video',
    decode: 'Reading pictures',
    encode: 'Looking at the pictures',
    prefill: 'Taking the video in',
    answer: 'Answering',
  },
  accepted: 'Taken on.',
  queued: (position) =>
    position === 1 ? 'Next in the queue.' : `In the queue: ${position} turns until it starts.`,
  again: 'Something broke. Starting over.',
  asked: (name, question) => `**${name}** asked: ${question}`,
  restsOn: (moments) => `Rests on ${moments}`,
  frames: (count) => (count === 1 ? '1 frame' : `${count} frames`),
  empty: 'The model said nothing. Ask it another way, or with more frames.',
  watched: (duration, frames) =>
    `Watched: ${duration}, ${frames} frames. Reply to this message with a question about it.`,
  attached: 'The answer is long: it goes on in the attached file.',
  continued: 'The answer goes on below.',
  movedOn: 'This takes longer than Discord keeps this message open. The answer comes below.',
  ranOut:
    'This took longer than Discord allows here, and I may not write in this channel by myself. Ask in a server that I am in, or about a shorter part.',
  cancelled: 'Cancelled.',
  storyboardAlt: (frames, moments) =>
    `Contact sheet of ${frames} frames of the video, in order of time.${moments === '' ? '' : ` Marked, because the answer rests on them most: ${moments}.`}`,
  frameAlt: (moment) => `Picture of the video at ${moment}.`,
  framesTitle: 'The answer rests on these pictures, most on the first:',
  framesGone: 'The pictures of this answer are gone. Ask again to see them.',
  buttons: { cancel: 'Cancel', delete: 'Delete', more: 'More frames', frames: 'Show frames' },
  modal: {
    title: 'Ask about this video',
    label: 'Question',
    placeholder: 'What happens at the end?',
  },
  help: (isGuild) =>
    [
      '**Ask about a video that somebody linked or posted.**',
      '`/ask` with a question, and a link or a file; with neither it takes the last video of this channel. `start` and `end` narrow it down, such as `1:30`.',
      '`/watch` prepares a video, so that questions are answered sooner.',
      'On a message: Apps, *Ask about this video*.',
      'Reply to an answer, or write in its thread, to ask on about the same video.',
      'Below an answer: *more frames* looks closer, *show frames* shows what it rests on, *delete* removes it. They work for whoever asked, and for moderators.',
      ...(isGuild ? ['`/settings` is for those who manage the server.'] : []),
      '`/forget` deletes what I keep of you: your questions, and files that you gave.',
      'Answers come from a model, and models make mistakes. Look at the moments that they rest on.',
    ].join('\n'),
  forgot: (questions, files) =>
    `Deleted of yours: questions ${questions}, files ${files}. Answers that I posted stay until you delete them.`,
  settings: {
    title: 'Settings of this server',
    saved: 'Saved.',
    names: {
      frames: 'Frames',
      model: 'Model',
      language: 'Language',
      storyboard: 'Storyboard below answers',
      channels: 'Channels',
      roles: 'Roles that may ask',
    },
    everywhere: 'all',
    everybody: 'everybody',
    byModel: 'as the model likes',
    yes: 'yes',
    no: 'no',
  },
  refused: {
    noVideo: () => 'Give a video: a link (`video`) or a file (`file`).',
    noVideoInMessage: () =>
      'I see no video in this message: no link, no attached video, no embed. Use it on a message that has one.',
    noVideoInChannel: (count) =>
      `There is no video in the last ${count} messages of this channel that I can see. Give a link or a file.`,
    history: () =>
      'I could not look for the last video of this channel: I need the permission to read its message history. Give a link or a file instead.',
    twoVideos: () => 'Give a link or a file, not both.',
    badLink: () => 'That is no link that I can open: it has to begin with https:// or http://.',
    badMoment: (name) =>
      `I do not understand the moment in \`${name}\`. Write it like \`1:30\`, \`1:02:03\` or \`90\`.`,
    badRange: () => '`end` has to be later than `start`.',
    emptyQuestion: () => 'Ask something: there is no question in that.',
    unread: () => 'I may only read messages that mention me. Mention me in your reply, or use `/ask`.',
    channel: () => 'I am not to answer in this channel. `/settings` of this server says where.',
    role: () => 'You do not have a role that may ask me here. Those who manage this server decide that.',
    permissions: (names) =>
      `I may not answer here. I need these permissions in this channel: ${names}. Those who manage this server can give them.`,
    notYours: () => 'Only whoever asked, and moderators, can do that.',
    gone: () => 'I do not know this answer any more. Ask again with `/ask`.',
    running: () => 'This is being worked on. Wait for the answer, or cancel it.',
    mostFrames: (count) => `That is the most already: ${count} frames.`,
    userWaiting: (count) => `You have ${count} questions waiting already. Wait for an answer, or cancel one.`,
    userHour: (count) => `That were ${count} questions in an hour, which is the most. Try again later.`,
    guildDay: (count) =>
      `This server has asked ${count} questions in a day, which is the most. Try again tomorrow.`,
    queueFull: () =>
      'There is too much to do just now, and no place in the queue. Try again in a few minutes.',
    restarting: () => 'I am being restarted. Try again in a minute.',
    manageServer: () => 'That needs the permission *Manage Server*.',
    model: (names) => `I do not have that model. There is: ${names}.`,
    broken: () => 'Something went wrong on my side, and your question was not taken on. Try again.',
  },
  failed: {
    refusedLink:
      'I may not open this link: it leads into a private network, to a port or a host that is not allowed, or has a password in it. Give a public link to a video file.',
    notFound: 'There is nothing behind this link, or not for everybody. Check it, or attach the file.',
    expired: "Discord's link to this file has run out, or the file was deleted. Post the file again.",
    unreachable: "The link's server does not answer. Try again later, or attach the file.",
    slow: "The link's server is too slow. Try again later, or attach the file.",
    changed: 'The file behind the link changed while I was reading it. Ask again.',
    notMedia:
      'There is no video file behind this link. Sites with players of their own, such as YouTube, give none: give a direct link to a video, or attach the file.',
    notVideo: 'This file is no video that I can read. MP4, WebM and MOV work.',
    codec: 'This video is in a format that I cannot read. Convert it to MP4 with H.264.',
    damaged: 'This video is damaged, or was cut off on its way. Post it again.',
    tooLarge: 'This video is too long or too large for me. Give a shorter or smaller one.',
    tooLong: 'That question is too long. Shorten it.',
    options: 'That does not fit this video. Check the moments in `start` and `end`.',
    engine: 'The model could not work on this. Try again; if it stays so, tell whoever runs me.',
    time: 'The time for this question ran out. Ask about a shorter part, or try again later.',
    interrupted: 'I was interrupted too often while working on this. Ask again.',
    broken: 'Something went wrong on my side. Try again; if it stays so, tell whoever runs me.',
  },
}
