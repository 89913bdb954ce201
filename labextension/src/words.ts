/** Words of a `%lf` line, by the same rules by which kernel/tokens.py reads them. */

const SAFE = String.raw`\p{L}\p{N}_.,:+*/=@%^~&|<>()\[\]!\-`;
const PLAIN = new RegExp(`^(?:[${SAFE}]|@\\{[${SAFE}]+\\})+$`, 'u');

/** Write a word so that it reads `text`, with quotes where they are needed. A line has no line breaks: they become blanks. */
export function quoted(text: string): string {
  const line = text.replace(/[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+/g, ' ');
  if (PLAIN.test(line) && !line.startsWith('-')) {
    return line;
  }
  if (!/["\\$`{]/.test(line)) {
    return `"${line}"`;
  }
  return `'${line.replace(/'/g, String.raw`'\''`)}'`;
}

export function commitLine(names: readonly string[], message: string): string {
  return ['%lf commit', ...names.map(quoted), '-m', quoted(message.trim())].join(' ');
}
