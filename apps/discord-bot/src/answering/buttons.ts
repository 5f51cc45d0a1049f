import { ButtonStyle, ComponentType } from 'discord.js'
import type { Buttons } from '../discord/draft.js'
import type { Texts } from '../texts/texts.js'

export type ButtonAction = 'cancel' | 'delete' | 'more' | 'frames'

const PREFIX = 'longtake'

/** @param actions - From left to right. */
export function buttonsOf(questionId: string, actions: readonly ButtonAction[], texts: Texts): Buttons {
  if (actions.length === 0) return []
  return [
    {
      type: ComponentType.ActionRow,
      components: actions.map((action) => ({
        type: ComponentType.Button,
        style: action === 'delete' ? ButtonStyle.Danger : ButtonStyle.Secondary,
        label: texts.buttons[action],
        custom_id: `${PREFIX}:${action}:${questionId}`,
      })),
    },
  ]
}

/** What a button does and to which question; `undefined` for those of others. */
export function readButton(
  customId: string,
): { readonly action: ButtonAction; readonly questionId: string } | undefined {
  const match = /^longtake:(cancel|delete|more|frames):(\d{1,20})$/.exec(customId)
  if (match === null) return undefined
  return { action: match[1] as ButtonAction, questionId: match[2] ?? '' }
}
