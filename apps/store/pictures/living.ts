// Drawings of the living-room department.

import { circle, type Drawing, ellipse, line, path, rect, rotate } from './paint.ts';

export const lamp: Drawing = (p, pick) =>
  ellipse(200, 140, 170, 120, '#fff3c455') +
  pick(
    path('M140 70 H260 L300 190 H100 Z', p.main) + path('M228 70 H260 L300 190 H240 Z', p.dark),
    path('M110 190 Q110 70 200 70 Q290 70 290 190 Z', p.main) +
      path('M225 73 Q290 85 290 190 H244 Q246 110 225 73 Z', p.dark),
    rect(120, 80, 160, 110, p.main, 8) + rect(232, 80, 48, 110, p.dark, 8),
  ) +
  rect(194, 190, 12, 46, p.metalDark) +
  pick(
    path('M165 330 Q145 250 200 232 Q255 250 235 330 Z', p.second) +
      path('M210 234 Q255 250 235 330 H205 Q228 270 210 234 Z', '#00000022'),
    rect(193, 220, 14, 100, p.wood) + rect(145, 316, 110, 14, p.woodDark, 7),
    circle(200, 280, 50, p.second) + path('M212 232 A50 50 0 0 1 212 328 A80 80 0 0 0 212 232', '#00000022'),
  );

export const armchair: Drawing = (p, pick) =>
  line('M120 300 L106 336 M280 300 L294 336', pick(p.wood, p.ink), 12) +
  rect(105, 100, 190, 170, p.main, pick(46, 70, 26)) +
  rect(135, 120, 130, 110, p.light, pick(30, 50, 18)) +
  rect(120, 218, 160, 52, p.dark, 22) +
  rect(72, 182, 62, 130, p.main, 28) +
  rect(266, 182, 62, 130, p.dark, 28) +
  rect(110, 264, 180, 48, p.deep, 14) +
  pick('', rotate(-8, 200, 190, rect(164, 150, 74, 70, p.second, 12)));

export const table: Drawing = (p, pick) =>
  pick(
    line('M130 180 L108 330 M270 180 L292 330 M200 185 V322', p.woodDark, 12) +
      ellipse(200, 182, 130, 22, p.dark) +
      ellipse(200, 174, 130, 22, p.main),
    rect(96, 170, 208, 20, p.main, 6) +
      rect(106, 190, 14, 140, p.wood) +
      rect(280, 190, 14, 140, p.woodDark) +
      rect(106, 268, 188, 12, p.dark, 4),
    ellipse(200, 326, 74, 12, p.dark) +
      path('M182 180 H218 L234 322 H166 Z', p.dark) +
      ellipse(200, 186, 126, 20, p.deep) +
      ellipse(200, 178, 126, 20, p.main),
  ) +
  pick(
    path('M170 166 Q168 120 200 118 Q232 120 230 166 Z', p.second) +
      line('M200 118 Q196 84 174 70 M202 118 Q206 76 232 66', '#6b7a45', 6),
    rect(150, 148, 90, 14, p.second, 3) + rect(158, 134, 78, 14, p.cream, 3) + rect(164, 120, 70, 14, p.ink, 3),
  );

export const vase: Drawing = (p, pick) => {
  const stems =
    line('M200 180 Q196 110 150 70 M200 180 Q204 100 206 46 M200 180 Q210 120 256 84', '#6b7a45', 5) +
    pick(
      circle(150, 66, 22, p.second) +
        circle(206, 44, 24, p.second) +
        circle(258, 80, 20, p.second) +
        circle(206, 44, 9, p.cream),
      ellipse(150, 72, 14, 30, '#8aa06a') + ellipse(206, 54, 14, 34, '#6b7a45') + ellipse(256, 88, 14, 28, '#8aa06a'),
      '',
    );
  const body = pick(
    'M176 150 H224 Q220 190 262 230 Q290 300 240 330 H160 Q110 300 138 230 Q180 190 176 150 Z',
    'M160 150 H240 L256 210 Q262 290 232 330 H168 Q138 290 144 210 Z',
    'M184 150 H216 V215 Q270 235 262 292 Q256 330 200 330 Q144 330 138 292 Q130 235 184 215 Z',
  );
  const shade = pick(
    'M206 150 H224 Q220 190 262 230 Q290 300 240 330 H204 Q262 290 226 226 Q204 196 206 150 Z',
    'M220 150 H240 L256 210 Q262 290 232 330 H204 Q236 280 228 210 Z',
  );
  return stems + path(body, p.main) + path(shade, '#00000020') + pick('', line('M146 258 H254', p.cream, 6));
};

export const cushion: Drawing = (p, pick) => {
  const shape = 'M86 112 Q200 88 314 112 Q336 214 314 318 Q200 340 86 318 Q64 214 86 112 Z';
  const pattern = pick(
    line('M84 160 H318 M76 215 H324 M82 270 H320', p.light, 8),
    line('M130 106 V322 M200 98 V332 M270 106 V322', p.second, 7),
    circle(150, 170, 16, p.second) +
      circle(250, 170, 16, p.second) +
      circle(200, 220, 16, p.second) +
      circle(150, 270, 16, p.second) +
      circle(250, 270, 16, p.second),
    path('M200 130 L290 215 L200 300 L110 215 Z', p.light) + path('M200 165 L252 215 L200 265 L148 215 Z', p.second),
    '',
  );
  return rotate(
    pick(-6, 0, 7),
    200,
    215,
    path(shape, p.main) + pattern + path('M290 107 L314 112 Q336 214 314 318 L280 324 Q306 214 290 107 Z', '#0000001c'),
  );
};
