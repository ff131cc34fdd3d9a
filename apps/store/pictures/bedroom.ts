// Drawings of the bedroom-and-bath department.

import { circle, type Drawing, ellipse, line, path, rect } from './paint.ts';

export const blanket: Drawing = (p, pick) => {
  const fold = (y: number, fill: string) =>
    path(`M92 ${y} H290 Q318 ${y} 318 ${y + 28} Q318 ${y + 56} 290 ${y + 56} H92 Q78 ${y + 28} 92 ${y} Z`, fill);
  const stripes = pick(
    line('M120 176 V330 M150 176 V330', p.second, 10),
    line('M250 176 V330 M270 176 V330 M230 176 V330', p.cream, 7),
    '',
  );
  const fringe = line('M92 288 l-16 6 M90 300 l-18 4 M90 312 l-18 2 M92 324 l-16 0', p.light, 5);
  return (
    fold(274, p.dark) +
    fold(222, p.main) +
    fold(170, p.light) +
    stripes +
    line('M292 198 Q300 198 300 198 M292 250 H298 M292 302 H298', p.deep, 6) +
    fringe
  );
};

export const towels: Drawing = (p, pick) => {
  const roll = (y: number, fill: string, shade: string) =>
    rect(90, y, 220, 50, fill, 22) +
    path(`M288 ${y} Q310 ${y} 310 ${y + 25} Q310 ${y + 50} 288 ${y + 50} Z`, shade) +
    line(`M112 ${y + 34} H280`, shade, 4);
  return pick(
    roll(280, p.main, p.dark) +
      roll(230, p.second, '#00000022') +
      roll(180, p.cream, '#00000018') +
      roll(130, p.light, p.main),
    rect(70, 96, 260, 12, p.metalDark, 6) +
      rect(120, 98, 160, 220, p.main, 6) +
      rect(232, 98, 48, 220, p.dark, 6) +
      rect(120, 268, 160, 12, p.cream) +
      rect(120, 288, 160, 5, p.cream) +
      rect(112, 92, 176, 20, p.light, 10),
  );
};

export const candle: Drawing = (p, pick) =>
  ellipse(200, 120, 90, 90, '#ffe9a944') +
  path('M200 66 Q226 104 200 128 Q174 104 200 66 Z', '#f4b63f') +
  path('M200 92 Q212 110 200 124 Q188 110 200 92 Z', '#fff3c9') +
  line('M200 128 V146', p.ink, 4) +
  pick(
    rect(130, 146, 140, 184, p.main, 14) +
      rect(224, 146, 46, 184, p.dark, 14) +
      rect(152, 206, 96, 74, p.cream, 4) +
      line('M170 232 H230 M180 250 H220', p.ink, 4) +
      ellipse(200, 150, 66, 9, p.cream),
    rect(172, 146, 56, 150, p.cream, 8) +
      rect(206, 146, 22, 150, '#0000000f', 8) +
      path('M120 296 H280 Q276 330 240 330 H160 Q124 330 120 296 Z', p.main) +
      path('M236 296 H280 Q276 330 240 330 H210 Q236 322 236 296 Z', p.dark),
  );

export const mirror: Drawing = (p, pick) =>
  pick(
    circle(200, 196, 136, p.main) +
      circle(200, 196, 118, '#d5e3ea') +
      path('M120 250 L250 96 L282 118 L150 286 Z', '#ffffff66'),
    rect(110, 60, 180, 270, p.main, 90) +
      rect(124, 74, 152, 242, '#d5e3ea', 76) +
      path('M134 250 L236 96 L262 130 L150 280 Z', '#ffffff66'),
    rect(96, 84, 208, 228, p.main, 10) +
      rect(114, 102, 172, 192, '#d5e3ea', 4) +
      path('M130 260 L240 110 L276 118 L160 286 Z', '#ffffff66'),
  );

export const clock: Drawing = (p, pick) => {
  const hands = line('M200 205 L200 145 M200 205 L244 228', p.ink, 8) + circle(200, 205, 8, p.main);
  const ticks = line('M200 122 v10 M200 278 v10 M117 205 h10 M273 205 h10', p.ink, 6);
  return pick(
    line('M130 310 L112 334 M270 310 L288 334', p.deep, 14) +
      circle(128, 104, 30, p.dark) +
      circle(272, 104, 30, p.dark) +
      rect(192, 72, 16, 34, p.metalDark, 4) +
      circle(200, 210, 118, p.main) +
      circle(200, 205, 94, p.cream) +
      ticks +
      hands,
    rect(84, 110, 232, 220, p.main, 56) +
      rect(250, 110, 66, 220, '#00000018', 56) +
      circle(200, 212, 88, p.cream) +
      line('M200 138 v8 M200 278 v8 M126 212 h8 M266 212 h8', p.ink, 6) +
      line('M200 212 L200 160 M200 212 L236 232', p.ink, 8) +
      circle(200, 212, 7, p.second),
  );
};
