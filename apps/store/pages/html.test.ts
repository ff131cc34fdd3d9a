import { expect, test } from 'bun:test';
import { type Content, html } from './html.ts';

test.each<[Content, string]>([
  ['<b>"Tom" & \'Ada\'</b>', '&lt;b&gt;&quot;Tom&quot; &amp; &#39;Ada&#39;&lt;/b&gt;'],
  [html`<b>${'<i>'}</b>`, '<b>&lt;i&gt;</b>'],
  [[html`<li>1</li>`, '<', 2], '<li>1</li>&lt;2'],
  [0, '0'],
  [null, ''],
  [undefined, ''],
  [false, ''],
])('%p is put in as %p', (content, text) => {
  expect(html`${content}`.text).toBe(text);
});
