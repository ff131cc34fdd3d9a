// An operation's answer for people: lists of objects as a table, an object as lines, a message as it is.

const widestCell = 60;

export function answerText(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  if (Array.isArray(answer)) return answer.every(isObject) ? tableText(answer) : answer.map(cell).join('\n');
  if (!isObject(answer)) return String(answer);
  const { message, ...rest } = answer;
  const lines = typeof message === 'string' ? [message] : [];
  const fields = Object.entries(typeof message === 'string' ? rest : answer);
  const widest = Math.max(0, ...fields.map(([name]) => name.length));
  for (const [name, value] of fields) {
    if (Array.isArray(value) && value.length > 0 && value.every(isObject))
      lines.push(
        `${name}:`,
        ...tableText(value)
          .split('\n')
          .map((line) => `  ${line}`),
      );
    else if (isObject(value))
      lines.push(
        `${name}:`,
        ...answerText(value)
          .split('\n')
          .map((line) => `  ${line}`),
      );
    else lines.push(`${name.padEnd(widest)}  ${cell(value)}`);
  }
  return lines.join('\n');
}

function tableText(rows: readonly Readonly<Record<string, unknown>>[]): string {
  if (rows.length === 0) return '(none)';
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names, ...rows.map((row) => names.map((name) => shortened(cell(row[name]))))];
  const widths = names.map((_, column) => Math.max(...cells.map((line) => line[column]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  // What is data must not move the cursor.
  return text.replace(/[\p{Cc}]/gu, ' ');
}

function shortened(text: string): string {
  return text.length > widestCell ? `${text.slice(0, widestCell - 1)}…` : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
