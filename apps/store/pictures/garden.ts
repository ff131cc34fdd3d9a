// Drawings of the garden-and-play department.

import { circle, type Drawing, ellipse, line, path, rect, rotate } from './paint.ts';

export const planter: Drawing = (p, pick) => {
  const leaf = (degrees: number, fill: string, length: number) =>
    rotate(
      degrees,
      200,
      220,
      path(`M200 220 Q166 ${220 - length / 2} 200 ${220 - length} Q234 ${220 - length / 2} 200 220 Z`, fill),
    );
  const plant = pick(
    leaf(-52, '#4f7a4c', 130) +
      leaf(52, '#3f6a45', 130) +
      leaf(-26, '#5d8a55', 160) +
      leaf(26, '#4f7a4c', 160) +
      leaf(0, '#6c9a5f', 176),
    line('M200 220 V110', '#5d7a45', 7) +
      circle(200, 108, 62, '#5d8a55') +
      circle(158, 138, 38, '#4f7a4c') +
      circle(242, 136, 40, '#6c9a5f'),
    rect(176, 84, 48, 150, '#5d8a55', 24) +
      line('M178 170 H146 V132 M222 150 H256 V112', '#5d8a55', 26) +
      circle(200, 84, 12, p.second),
  );
  return (
    plant +
    pick(
      path('M116 216 H284 L262 330 H138 Z', p.main) +
        path('M240 216 H284 L262 330 H226 Z', p.dark) +
        rect(104, 202, 192, 32, p.light, 8),
      path('M112 212 H288 Q288 330 200 330 Q112 330 112 212 Z', p.main) +
        path('M240 212 H288 Q288 330 200 330 Q248 300 240 212 Z', p.dark) +
        ellipse(200, 212, 88, 12, p.deep),
    )
  );
};

export const wateringCan: Drawing = (p, pick) =>
  line('M250 176 Q352 170 336 262 Q330 300 276 300', p.dark, 15) +
  path('M150 236 L62 122 L80 110 L170 196 Z', p.dark) +
  rotate(-40, 66, 112, ellipse(66, 112, pick(38, 30), 13, p.deep)) +
  path('M138 176 H270 L286 330 H122 Z', p.main) +
  path('M234 176 H270 L286 330 H236 Z', p.dark) +
  ellipse(204, 176, 66, 13, p.deep) +
  line('M150 172 Q204 92 258 172', pick(p.wood, p.dark), 12) +
  pick('', line('M134 228 H275', p.light, 8)) +
  line('M46 142 q-8 16 -12 30 M66 150 q-4 16 -8 34 M34 126 q-10 10 -16 24', '#7fb0d0', 5);

export const gardenTools: Drawing = (p, pick) => {
  const trowel =
    path('M172 60 Q200 20 228 60 V132 Q228 160 200 160 Q172 160 172 132 Z', p.metal) +
    path('M204 32 Q228 50 228 62 V132 Q228 160 204 160 Z', p.metalDark) +
    rect(193, 158, 14, 54, p.metalDark) +
    rect(182, 208, 36, 128, p.wood, 16) +
    rect(182, 300, 36, 36, p.main, 14);
  const fork =
    line('M172 40 V112 Q172 136 200 136 Q228 136 228 112 V40 M200 40 V150', p.metalDark, 10) +
    rect(193, 150, 14, 62, p.metalDark) +
    rect(182, 208, 36, 128, p.wood, 16) +
    rect(182, 300, 36, 36, p.main, 14);
  return pick(
    rotate(-16, 200, 330, `<g transform="translate(-58 0)">${trowel}</g>`) +
      rotate(16, 200, 330, `<g transform="translate(58 0)">${fork}</g>`),
    rotate(28, 200, 200, trowel),
    rotate(-28, 200, 200, fork),
  );
};

export const woodenToys: Drawing = (p, pick) =>
  pick(
    rect(70, 190, 260, 92, p.main, 22) +
      rect(206, 118, 104, 90, p.second, 18) +
      rect(228, 138, 60, 44, '#d5e3ea', 8) +
      rect(98, 150, 40, 50, p.dark, 8) +
      circle(130, 290, 40, p.woodDark) +
      circle(130, 290, 18, p.cream) +
      circle(270, 290, 40, p.woodDark) +
      circle(270, 290, 18, p.cream) +
      circle(330, 236, 9, '#f4c95d'),
    ellipse(200, 318, 110, 14, p.woodDark) +
      rect(193, 80, 14, 230, p.wood) +
      rect(96, 276, 208, 38, p.main, 19) +
      rect(114, 236, 172, 38, p.second, 19) +
      rect(132, 196, 136, 38, p.cream, 19) +
      rect(150, 156, 100, 38, p.light, 19) +
      rect(166, 116, 68, 38, p.deep, 19) +
      circle(200, 88, 24, p.main),
    rect(88, 222, 108, 108, p.main, 10) +
      rect(206, 222, 108, 108, p.second, 10) +
      rect(146, 108, 108, 108, p.cream, 10) +
      letter(142, 296, 'Z', p.cream) +
      letter(260, 296, 'B', p.cream) +
      letter(200, 182, 'A', p.main),
  );

function letter(x: number, y: number, text: string, fill: string): string {
  return `<text x="${x}" y="${y}" font-family="Georgia,serif" font-size="62" font-weight="700" text-anchor="middle" fill="${fill}">${text}</text>`;
}

export const games: Drawing = (p, pick) => {
  const die = (x: number, y: number, turn: number) =>
    rotate(
      turn,
      x + 32,
      y + 32,
      rect(x, y, 64, 64, p.cream, 12) +
        circle(x + 18, y + 18, 6, p.ink) +
        circle(x + 32, y + 32, 6, p.ink) +
        circle(x + 46, y + 46, 6, p.ink),
    );
  const board = Array.from({ length: 16 }, (_, at) =>
    rect(110 + (at % 4) * 45, 86 + Math.floor(at / 4) * 45, 45, 45, (at + Math.floor(at / 4)) % 2 ? p.cream : p.main),
  );
  return pick(
    rect(98, 74, 204, 204, p.deep, 10) +
      board.join('') +
      die(96, 262, -10) +
      die(196, 270, 14) +
      circle(318, 306, 24, p.second),
    rect(76, 120, 248, 210, p.deep, 12) +
      rect(76, 110, 248, 190, p.main, 12) +
      `<text x="200" y="196" font-family="Georgia,serif" font-size="46" font-weight="700" text-anchor="middle" fill="${p.cream}">${pick('HARBOUR', 'MEADOW', 'ORBIT', 'TRAIL')}</text>` +
      circle(150, 250, 20, p.second) +
      circle(200, 250, 20, p.cream) +
      circle(250, 250, 20, p.light),
  );
};
