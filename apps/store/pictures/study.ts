// Drawings of the study department.

import { circle, type Drawing, ellipse, line, path, rect, rotate } from './paint.ts';

export const notebook: Drawing = (p, pick) =>
  rotate(
    pick(-6, 4, 0),
    200,
    200,
    rect(116, 74, 186, 256, '#00000022', 10) +
      rect(108, 66, 186, 256, p.cream, 8) +
      rect(104, 62, 186, 256, p.main, 10) +
      rect(104, 62, 28, 256, p.dark, 8) +
      pick(
        rect(160, 110, 100, 56, p.cream, 4) + line('M176 130 H244 M176 146 H224', p.deep, 4),
        rect(258, 62, 10, 256, p.deep),
        circle(212, 190, 46, p.second) + circle(212, 190, 26, p.main),
        line('M150 130 H270 M150 160 H270 M150 190 H270', p.light, 8),
      ) +
      path('M232 318 h16 v34 l-8 -10 l-8 10 Z', p.second),
  );

export const pen: Drawing = (p, pick) =>
  line('M86 318 q30 -26 54 -4 t54 -4 t60 -6', p.deep, 5) +
  rotate(
    pick(38, 44, 50),
    200,
    190,
    rect(182, 40, 36, 130, p.main, 14) +
      rect(204, 40, 14, 130, p.dark, 7) +
      rect(214, 56, 8, 84, pick('#d8b45c', p.metal), 4) +
      rect(180, 166, 40, 12, pick('#d8b45c', p.metal), 3) +
      path('M184 178 H216 L210 268 H190 Z', p.dark) +
      path('M190 268 H210 L200 322 Z', pick('#d8b45c', p.metal)) +
      line('M200 284 V312', p.ink, 2.5),
  );

export const deskLamp: Drawing = (p, pick) =>
  path('M232 158 L340 330 H130 L168 200 Z', '#fff1bd55') +
  ellipse(120, 322, 66, 12, p.deep) +
  rect(66, 308, 108, 16, p.dark, 8) +
  pick(
    line('M120 310 L92 210 L178 108', p.metalDark, 10) + circle(92, 210, 12, p.ink),
    line('M120 310 V170 Q120 96 190 100', p.metalDark, 10) + circle(120, 206, 10, p.ink),
  ) +
  rotate(
    -28,
    200,
    130,
    path('M166 90 Q206 66 246 90 L276 164 H136 Z', p.main) +
      path('M220 78 Q236 82 246 90 L276 164 H228 Z', p.dark) +
      ellipse(206, 164, 70, 12, '#fff3c9'),
  );

export const boxes: Drawing = (p, pick) => {
  const box = (x: number, y: number, w: number, h: number, fill: string) =>
    rect(x, y, w, h, fill, 6) +
    rect(x - 6, y, w + 12, 28, '#00000022', 6) +
    rect(x - 6, y - 4, w + 12, 28, fill, 6) +
    rect(x + w / 2 - 24, y + h / 2 + 2, 48, 24, p.cream, 4);
  return pick(
    box(84, 220, 232, 110, p.main) + box(110, 116, 180, 100, p.second),
    box(80, 190, 130, 140, p.main) + box(222, 236, 104, 94, p.second) + box(96, 96, 98, 90, p.cream),
    path('M80 170 H320 L300 330 H100 Z', p.main) +
      path('M260 170 H320 L300 330 H246 Z', p.dark) +
      rect(72, 158, 256, 22, p.light, 8) +
      rect(160, 204, 80, 22, p.deep, 11),
  );
};

export const keyboard: Drawing = (p, pick) => {
  const accent = pick(0, 13, 29);
  const keys = Array.from({ length: 30 }, (_, at) => {
    const fill = at === accent ? p.second : at % 10 === 9 ? p.light : p.cream;
    return rect(62 + (at % 10) * 28, 176 + Math.floor(at / 10) * 30, 23, 24, fill, 5);
  });
  const bar =
    rect(62, 266, 51, 24, p.light, 5) + rect(118, 266, 135, 24, p.cream, 5) + rect(258, 266, 79, 24, p.light, 5);
  const cable = pick(line('M200 160 Q200 100 240 96 T300 60', p.ink, 7), '');
  return cable + rect(46, 168, 308, 146, p.deep, 18) + rect(46, 158, 308, 146, p.main, 18) + keys.join('') + bar;
};
