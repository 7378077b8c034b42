/** The menu of the shell: a list of commands, then prompts for their arguments. */
import { isCancel, select, text } from '@clack/prompts';
import type { Verb } from './shell-verbs.ts';

/** The verb and its arguments as words; null when cancelled. */
export async function chooseVerb(verbs: readonly Verb[]): Promise<readonly string[] | null> {
  const options = verbs.map(({ name, about }) => ({ value: name, label: name, hint: about }));
  const chosen = await select({ message: 'What to do?', options, maxItems: 12 });
  const verb = verbs.find(({ name }) => name === chosen);
  if (isCancel(chosen) || verb === undefined) return null;
  const words: string[] = [verb.name];
  for (const { text: message, placeholder, isOptional = false } of verb.asks) {
    const answer = await text({
      message,
      placeholder,
      validate: (given) => (isOptional || (given ?? '').trim() !== '' ? undefined : 'It is required.'),
    });
    if (isCancel(answer)) return null;
    if (answer.trim() !== '') words.push(answer.trim());
  }
  return words;
}
