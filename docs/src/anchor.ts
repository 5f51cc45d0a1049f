/** The anchor of a heading by GitHub's rule, on the site too: small letters, no punctuation but - and _, spaces become -. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
}
