// Drawings of the kitchen department.

import { circle, type Drawing, ellipse, line, path, rect, rotate } from './paint.ts';

export const mug: Drawing = (p, pick) => {
  const top = pick(150, 165, 180);
  const body = `M115 ${top} H265 V290 Q265 330 225 330 H155 Q115 330 115 290 Z`;
  return (
    line(`M265 ${top + 35} h22 q34 0 34 38 q0 42 -44 42 h-14`, p.dark, 20) +
    path(body, p.main) +
    path(`M225 ${top} H265 V290 Q265 330 225 330 H205 Q233 326 233 290 Z`, p.dark) +
    ellipse(190, top, 75, 15, p.light) +
    ellipse(190, top + 2, 64, 10, '#4a3426') +
    pick(
      '',
      path('M115 268 H265 V290 Q265 330 225 330 H155 Q115 330 115 290 Z', p.deep),
      rect(115, 225, 150, 12, p.cream) + rect(115, 245, 150, 5, p.cream),
    ) +
    line('M165 125 q-10 -18 2 -32 q10 -14 0 -30 M205 125 q-10 -18 2 -32 q10 -14 0 -30', '#ffffffaa', 6)
  );
};

export const kettle: Drawing = (p, pick) =>
  line('M120 205 Q120 95 200 95 Q280 95 280 205', p.ink, 14) +
  rect(166, 84, 68, 22, p.wood, 11) +
  path('M270 240 L345 178 L360 190 L300 300 Z', p.dark) +
  path('M100 300 Q100 180 200 180 Q300 180 300 300 Q300 330 270 330 H130 Q100 330 100 300 Z', p.main) +
  path('M232 184 Q300 200 300 300 Q300 330 270 330 H222 Q262 320 262 285 Q262 215 232 184 Z', p.dark) +
  line('M128 270 Q132 222 165 207', p.light, 10) +
  ellipse(200, 182, 52, 12, p.deep) +
  pick(circle(200, 160, 14, p.wood), rect(186, 150, 28, 24, p.wood, 8));

export const saucepan: Drawing = (p, pick) =>
  rect(285, 205, 110, 20, pick(p.wood, p.ink), 10) +
  path('M80 200 H290 V295 Q290 330 255 330 H115 Q80 330 80 295 Z', p.main) +
  path('M238 200 H290 V295 Q290 330 255 330 H210 Q246 328 246 295 Z', p.dark) +
  rect(70, 188, 230, 20, p.metal, 10) +
  path('M92 188 Q98 135 185 132 Q272 135 278 188 Z', pick(p.light, p.metal)) +
  rect(165, 108, 40, 26, pick(p.wood, p.ink), 9) +
  line('M110 230 V285', p.light, 10);

export const bowls: Drawing = (p, pick) => {
  const bowl = (y: number, fill: string, shade: string) =>
    path(`M95 ${y} H305 Q300 ${y + 78} 235 ${y + 82} H165 Q100 ${y + 78} 95 ${y} Z`, fill) +
    path(`M255 ${y} H305 Q300 ${y + 78} 235 ${y + 82} H205 Q255 ${y + 66} 255 ${y} Z`, shade);
  const plate = ellipse(200, 324, 150, 14, p.dark) + ellipse(200, 318, 150, 14, p.light);
  return pick(
    plate + bowl(236, p.main, p.dark) + ellipse(200, 236, 105, 14, p.light) + ellipse(200, 238, 92, 9, p.dark),
    plate +
      bowl(240, p.second, '#00000022') +
      bowl(196, p.cream, '#00000014') +
      bowl(152, p.main, p.dark) +
      ellipse(200, 152, 105, 14, p.light) +
      ellipse(200, 154, 92, 9, p.dark),
    circle(200, 200, 132, p.main) +
      circle(200, 200, 122, p.light) +
      circle(200, 200, 86, p.main) +
      circle(200, 200, 78, p.light) +
      line('M140 172 Q155 140 190 132', p.cream, 8),
  );
};

export const knife: Drawing = (p, pick) => {
  const board =
    rect(85, 70, 230, 262, p.wood, 24) + rect(85, 300, 230, 32, p.woodDark, 16) + circle(200, 100, 12, '#0000002a');
  const blade =
    path('M182 70 Q226 120 222 232 H182 Z', p.metal) +
    path('M182 70 Q226 120 222 232 H206 Q212 130 182 70 Z', '#e6e9eb') +
    rect(180, 230, 44, 12, p.metalDark, 3);
  const handle =
    path('M182 242 H222 L226 340 Q204 356 182 340 Z', p.main) +
    circle(203, 268, 5, p.cream) +
    circle(203, 310, 5, p.cream);
  return (pick(true, false) ? board : '') + rotate(pick(32, 40, -34), 200, 205, blade + handle);
};
