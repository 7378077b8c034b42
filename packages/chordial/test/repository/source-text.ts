/**
 * Blanks comments and optionally strings in source text, so that rules about code do not match
 * text about code. Offsets and line breaks stay. Knows strings, templates, comments and regular expressions; a regular
 * expression differs from a division by what precedes it.
 */
type Keep = 'strings' | 'code only';

const beforeExpression = /(?:^|[({[,;=:?!&|+\-*%<>~^}]|\b(?:return|typeof|case|in|of|await|yield|void))\s*$/;
/** How far back the sign or word before a `/` is looked for. */
const lookBackCharacters = 60;

export function blank(source: string, keep: Keep): string {
  let out = '';
  let at = 0;
  const templateDepths: number[] = [];
  let braces = 0;

  const copy = (end: number): void => {
    out += source.slice(at, end);
    at = end;
  };
  const erase = (end: number): void => {
    out += source.slice(at, end).replace(/[^\n]/g, ' ');
    at = end;
  };
  const literal = (end: number): void => (keep === 'strings' ? copy(end) : erase(end));

  while (at < source.length) {
    const sign = source.charAt(at);
    const two = source.slice(at, at + 2);
    if (two === '//') erase(endOf(source.indexOf('\n', at)));
    else if (two === '/*') erase(endOf(source.indexOf('*/', at + 2), 2));
    else if (sign === "'" || sign === '"') literal(endOfString(source, at));
    else if (sign === '`') templatePart(at + 1);
    else if (sign === '/' && beforeExpression.test(out.slice(-lookBackCharacters))) literal(endOfPattern(source, at));
    else if (sign === '{') {
      braces += 1;
      copy(at + 1);
    } else if (sign === '}' && templateDepths.at(-1) === braces) {
      templateDepths.pop();
      templatePart(at + 1);
    } else {
      if (sign === '}') braces -= 1;
      copy(at + 1);
    }
  }
  return out;

  /** From inside a template to its end, or to the code that it holds. */
  function templatePart(from: number): void {
    let end = from;
    while (end < source.length && source.charAt(end) !== '`' && source.slice(end, end + 2) !== '${') {
      end += source.charAt(end) === '\\' ? 2 : 1;
    }
    if (source.slice(end, end + 2) === '${') {
      literal(end + 2);
      templateDepths.push(braces);
    } else {
      literal(Math.min(end + 1, source.length));
    }
  }

  function endOf(index: number, length = 0): number {
    return index === -1 ? source.length : index + length;
  }
}

function endOfString(source: string, start: number): number {
  const quote = source.charAt(start);
  let end = start + 1;
  while (end < source.length && source.charAt(end) !== quote && source.charAt(end) !== '\n') {
    end += source.charAt(end) === '\\' ? 2 : 1;
  }
  return Math.min(end + 1, source.length);
}

function endOfPattern(source: string, start: number): number {
  let end = start + 1;
  let inClass = false;
  while (end < source.length && source.charAt(end) !== '\n') {
    const sign = source.charAt(end);
    if (sign === '\\') end += 1;
    else if (sign === '[') inClass = true;
    else if (sign === ']') inClass = false;
    else if (sign === '/' && !inClass) return end + 1;
    end += 1;
  }
  return end;
}
