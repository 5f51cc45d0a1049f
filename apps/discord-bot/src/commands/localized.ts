import type { LocalizationMap } from 'discord.js'

/** Names of commands in other languages; Discord shows the one of whoever types. Small letters, no spaces. */
export const NAMES = {
  ask: { de: 'fragen', fr: 'demander', 'es-ES': 'preguntar', nl: 'vragen' },
  watch: { de: 'ansehen', fr: 'regarder', 'es-ES': 'ver', nl: 'bekijken' },
  help: { de: 'hilfe', fr: 'aide', 'es-ES': 'ayuda', nl: 'hulp' },
  settings: { de: 'einstellungen', fr: 'réglages', 'es-ES': 'ajustes', nl: 'instellingen' },
  forget: { de: 'vergessen', fr: 'oublier', 'es-ES': 'olvidar', nl: 'vergeten' },
  'Ask about this video': {
    de: 'Zu diesem Video fragen',
    fr: 'Question sur cette vidéo',
    'es-ES': 'Preguntar sobre este vídeo',
    nl: 'Vraag over deze video',
  },
} as const satisfies Record<string, LocalizationMap>

/** What commands do, in other languages. */
export const DESCRIPTIONS = {
  ask: {
    de: 'Stell eine Frage zu einem Video',
    fr: 'Pose une question sur une vidéo',
    'es-ES': 'Haz una pregunta sobre un vídeo',
  },
  watch: {
    de: 'Bereite ein Video vor, damit Fragen schneller beantwortet werden',
    fr: 'Prépare une vidéo pour répondre plus vite aux questions',
    'es-ES': 'Prepara un vídeo para responder antes a las preguntas',
  },
  help: { de: 'Was ich kann', fr: 'Ce que je sais faire', 'es-ES': 'Lo que sé hacer' },
  settings: {
    de: 'Wer hier fragen darf, wo, und wie geantwortet wird',
    fr: 'Qui peut demander ici, où, et comment je réponds',
    'es-ES': 'Quién puede preguntar aquí, dónde y cómo respondo',
  },
  forget: {
    de: 'Lösche, was ich von dir aufbewahre',
    fr: 'Efface ce que je garde de toi',
    'es-ES': 'Borra lo que guardo de ti',
  },
} as const satisfies Record<string, LocalizationMap>
