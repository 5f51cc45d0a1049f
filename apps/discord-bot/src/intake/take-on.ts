import { refusalOf, submitQuestion } from '../answering/delivery.js'
import type { Question } from '../store/question.js'
import type { IntakeKit } from './intake-kit.js'
import { RefusedError } from './refused-error.js'

/**
 * Takes a question on: when this has resolved it is on disk and will be answered, whatever happens to the process. One that
 * was taken on before is left as it is.
 *
 * @throws {RefusedError} If there are too many, or everything is full.
 */
export async function takeOn(kit: IntakeKit, question: Question): Promise<void> {
  const { store, deliveries, attachments } = kit
  if (kit.isClosing()) throw new RefusedError('restarting')
  if (store.questions.get(question.id) !== undefined) return
  requireAllowance(kit, question)
  if (!store.questions.add(question)) return
  try {
    await submitQuestion(kit, question)
  } catch (error) {
    store.questions.remove(question.id)
    throw new RefusedError(refusalOf(error) ?? 'broken', '', { cause: error })
  }
  const record = store.questions.get(question.id)
  if (record === undefined) return
  await deliveries.start(record)
  attachments.ahead(question)
}

function requireAllowance({ store, limits }: IntakeKit, { userId, guildId }: Question): void {
  const { userWaiting, userQuestionsPerHour, guildQuestionsPerDay } = limits
  if (store.questions.countOpen(userId) >= userWaiting) throw new RefusedError('userWaiting', userWaiting)
  if (store.questions.countHour(userId) >= userQuestionsPerHour)
    throw new RefusedError('userHour', userQuestionsPerHour)
  if (guildId !== null && store.questions.countDay(guildId) >= guildQuestionsPerDay)
    throw new RefusedError('guildDay', guildQuestionsPerDay)
}
