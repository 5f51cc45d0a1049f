import type { Texts } from './texts.js'

/** What the bot says in German. */
export const de: Texts = {
  stages: {
    open: 'Das Video wird geöffnet',
    decode: 'Bilder werden gelesen',
    encode: 'Bilder werden betrachtet',
    prefill: 'Das Video wird aufgenommen',
    answer: 'Die Antwort entsteht',
  },
  accepted: 'Angenommen.',
  queued: (position) =>
    position === 1 ? 'Als Nächstes an der Reihe.' : `In der Warteschlange: noch ${position} bis zum Beginn.`,
  again: 'Etwas ging schief. Es beginnt von vorn.',
  asked: (name, question) => `**${name}** fragte: ${question}`,
  restsOn: (moments) => `Stützt sich auf ${moments}`,
  frames: (count) => (count === 1 ? '1 Bild' : `${count} Bilder`),
  empty: 'Das Modell hat nichts gesagt. Frag anders, oder mit mehr Bildern.',
  watched: (duration, frames) =>
    `Angesehen: ${duration}, ${frames} Bilder. Antworte auf diese Nachricht mit einer Frage dazu.`,
  attached: 'Die Antwort ist lang: Sie geht in der angehängten Datei weiter.',
  continued: 'Die Antwort geht unten weiter.',
  movedOn: 'Das dauert länger, als Discord diese Nachricht offen hält. Die Antwort kommt unten.',
  ranOut:
    'Das dauerte länger, als Discord hier erlaubt, und ich darf in diesem Kanal nicht von selbst schreiben. Frag auf einem Server, auf dem ich bin, oder nach einem kürzeren Teil.',
  cancelled: 'Abgebrochen.',
  storyboardAlt: (frames, moments) =>
    `Übersicht von ${frames} Bildern des Videos, nach der Zeit geordnet.${moments === '' ? '' : ` Hervorgehoben, weil sich die Antwort am meisten darauf stützt: ${moments}.`}`,
  frameAlt: (moment) => `Bild des Videos bei ${moment}.`,
  framesTitle: 'Auf diese Bilder stützt sich die Antwort, auf das erste am meisten:',
  framesGone: 'Die Bilder zu dieser Antwort gibt es nicht mehr. Frag noch einmal, um sie zu sehen.',
  buttons: { cancel: 'Abbrechen', delete: 'Löschen', more: 'Mehr Bilder', frames: 'Bilder zeigen' },
  modal: {
    title: 'Zu diesem Video fragen',
    label: 'Frage',
    placeholder: 'Was passiert am Ende?',
  },
  help: (isGuild) =>
    [
      '**Fragen zu einem Video, das jemand verlinkt oder gepostet hat.**',
      '`/ask` mit einer Frage und einem Link oder einer Datei; ohne beides gilt das letzte Video dieses Kanals. `start` und `end` grenzen ein, etwa `1:30`.',
      '`/watch` bereitet ein Video vor, damit Fragen schneller beantwortet werden.',
      'Bei einer Nachricht: Apps, *Zu diesem Video fragen*.',
      'Antworte auf eine Antwort, oder schreib in ihren Thread, um zum selben Video weiterzufragen.',
      'Unter einer Antwort: *Mehr Bilder* sieht genauer hin, *Bilder zeigen* zeigt, worauf sie sich stützt, *Löschen* entfernt sie. Das können nur, wer gefragt hat, und Moderatoren.',
      ...(isGuild ? ['`/settings` ist für die, die den Server verwalten.'] : []),
      '`/forget` löscht, was ich von dir aufbewahre: deine Fragen und Dateien, die du gegeben hast.',
      'Antworten kommen von einem Modell, und Modelle irren sich. Sieh dir die Stellen an, auf die sie sich stützen.',
    ].join('\n'),
  forgot: (questions, files) =>
    `Von dir gelöscht: Fragen ${questions}, Dateien ${files}. Antworten, die ich gepostet habe, bleiben, bis du sie löschst.`,
  settings: {
    title: 'Einstellungen dieses Servers',
    saved: 'Gespeichert.',
    names: {
      frames: 'Bilder',
      model: 'Modell',
      language: 'Sprache',
      storyboard: 'Übersicht unter Antworten',
      channels: 'Kanäle',
      roles: 'Rollen, die fragen dürfen',
    },
    everywhere: 'alle',
    everybody: 'jeder',
    byModel: 'wie das Modell es mag',
    yes: 'ja',
    no: 'nein',
  },
  refused: {
    noVideo: () => 'Gib ein Video an: einen Link (`video`) oder eine Datei (`file`).',
    noVideoInMessage: () =>
      'In dieser Nachricht sehe ich kein Video: keinen Link, kein angehängtes Video, keine Vorschau. Nimm eine Nachricht, die eines hat.',
    noVideoInChannel: (count) =>
      `Unter den letzten ${count} Nachrichten dieses Kanals sehe ich kein Video. Gib einen Link oder eine Datei an.`,
    history: () =>
      'Ich konnte das letzte Video dieses Kanals nicht suchen: Dazu muss ich den Nachrichtenverlauf lesen dürfen. Gib einen Link oder eine Datei an.',
    twoVideos: () => 'Gib einen Link oder eine Datei an, nicht beides.',
    badLink: () => 'Diesen Link kann ich nicht öffnen: Er muss mit https:// oder http:// beginnen.',
    badMoment: (name) =>
      `Den Zeitpunkt in \`${name}\` verstehe ich nicht. Schreib ihn wie \`1:30\`, \`1:02:03\` oder \`90\`.`,
    badRange: () => '`end` muss später sein als `start`.',
    emptyQuestion: () => 'Darin steht keine Frage.',
    unread: () =>
      'Ich darf nur Nachrichten lesen, die mich erwähnen. Erwähne mich in der Antwort, oder nimm `/ask`.',
    channel: () => 'In diesem Kanal soll ich nicht antworten. `/settings` dieses Servers sagt, wo.',
    role: () =>
      'Du hast keine Rolle, die mich hier fragen darf. Das entscheiden die, die den Server verwalten.',
    permissions: (names) =>
      `Hier darf ich nicht antworten. Mir fehlen in diesem Kanal diese Rechte: ${names}. Wer den Server verwaltet, kann sie geben.`,
    notYours: () => 'Das können nur, wer gefragt hat, und Moderatoren.',
    gone: () => 'Diese Antwort kenne ich nicht mehr. Frag noch einmal mit `/ask`.',
    running: () => 'Daran wird gearbeitet. Warte auf die Antwort, oder brich ab.',
    mostFrames: (count) => `Mehr geht nicht: Es sind schon ${count} Bilder.`,
    userWaiting: (count) =>
      `Von dir warten schon ${count} Fragen. Warte auf eine Antwort, oder brich eine ab.`,
    userHour: (count) => `Das waren ${count} Fragen in einer Stunde, mehr sind es nicht. Versuch es später.`,
    guildDay: (count) =>
      `Dieser Server hat heute ${count} Fragen gestellt, mehr sind es nicht. Versuch es morgen.`,
    queueFull: () =>
      'Es ist gerade zu viel zu tun, die Warteschlange ist voll. Versuch es in ein paar Minuten.',
    restarting: () => 'Ich werde neu gestartet. Versuch es in einer Minute.',
    manageServer: () => 'Dafür braucht es das Recht *Server verwalten*.',
    model: (names) => `Dieses Modell habe ich nicht. Es gibt: ${names}.`,
    broken: () => 'Bei mir ging etwas schief, die Frage wurde nicht angenommen. Versuch es noch einmal.',
  },
  failed: {
    refusedLink:
      'Diesen Link darf ich nicht öffnen: Er führt in ein privates Netz, zu einem Port oder Host, der nicht erlaubt ist, oder enthält ein Passwort. Gib einen öffentlichen Link zu einer Videodatei.',
    notFound: 'Hinter diesem Link ist nichts, oder nicht für alle. Prüf ihn, oder häng die Datei an.',
    expired: 'Discords Link zu dieser Datei ist abgelaufen, oder sie wurde gelöscht. Poste sie noch einmal.',
    unreachable: 'Der Server des Links antwortet nicht. Versuch es später, oder häng die Datei an.',
    slow: 'Der Server des Links ist zu langsam. Versuch es später, oder häng die Datei an.',
    changed: 'Die Datei hinter dem Link hat sich beim Lesen geändert. Frag noch einmal.',
    notMedia:
      'Hinter diesem Link ist keine Videodatei. Seiten mit eigenem Player, wie YouTube, geben keine: Gib einen direkten Link zu einem Video, oder häng die Datei an.',
    notVideo: 'Diese Datei ist kein Video, das ich lesen kann. MP4, WebM und MOV gehen.',
    codec: 'Dieses Video hat ein Format, das ich nicht lesen kann. Wandle es in MP4 mit H.264 um.',
    damaged: 'Dieses Video ist beschädigt oder unvollständig. Poste es noch einmal.',
    tooLarge: 'Dieses Video ist mir zu lang oder zu groß. Gib ein kürzeres oder kleineres.',
    tooLong: 'Die Frage ist zu lang. Kürze sie.',
    options: 'Das passt nicht zu diesem Video. Prüf die Zeitpunkte in `start` und `end`.',
    engine:
      'Das Modell konnte daran nicht arbeiten. Versuch es noch einmal; bleibt es so, sag es dem Betreiber.',
    time: 'Die Zeit für diese Frage ist um. Frag nach einem kürzeren Teil, oder versuch es später.',
    interrupted: 'Ich wurde dabei zu oft unterbrochen. Frag noch einmal.',
    broken: 'Bei mir ging etwas schief. Versuch es noch einmal; bleibt es so, sag es dem Betreiber.',
  },
}
