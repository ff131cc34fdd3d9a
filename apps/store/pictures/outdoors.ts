// Drawings of the outdoors department.

import { circle, type Drawing, ellipse, line, path, rect } from './paint.ts';

export const backpack: Drawing = (p, pick) =>
  line('M168 96 Q168 60 200 60 Q232 60 232 96', p.deep, 12) +
  rect(82, 206, 40, 96, p.dark, 16) +
  rect(278, 206, 40, 96, p.dark, 16) +
  path('M110 160 Q110 86 200 86 Q290 86 290 160 V300 Q290 330 260 330 H140 Q110 330 110 300 Z', p.main) +
  path('M244 94 Q290 108 290 160 V300 Q290 330 260 330 H238 Q258 322 258 296 V160 Q258 118 244 94 Z', p.dark) +
  pick(path('M110 150 Q110 86 200 86 Q290 86 290 150 V180 H110 Z', p.dark), line('M128 178 H272', p.deep, 6)) +
  rect(136, 214, 128, 92, p.light, 18) +
  rect(136, 214, 128, 26, p.dark, 12) +
  rect(186, 232, 28, 20, pick(p.wood, '#d8b45c'), 4) +
  pick(rect(150, 170, 16, 60, p.wood, 4) + rect(234, 170, 16, 60, p.wood, 4), '');

export const bottle: Drawing = (p, pick) =>
  pick(
    rect(168, 46, 64, 44, p.ink, 10) + rect(178, 88, 44, 18, p.metalDark),
    rect(172, 62, 56, 30, p.wood, 8) + rect(178, 88, 44, 18, p.metal) + line('M172 66 Q200 22 228 66', p.ink, 8),
  ) +
  path('M178 104 H222 Q258 122 258 160 V304 Q258 330 232 330 H168 Q142 330 142 304 V160 Q142 122 178 104 Z', p.main) +
  path('M212 104 H222 Q258 122 258 160 V304 Q258 330 232 330 H214 Q232 322 232 300 V160 Q232 126 212 104 Z', p.dark) +
  line('M162 168 V250', p.light, 9) +
  pick(
    rect(142, 264, 116, 14, p.second) + rect(142, 284, 116, 5, p.second),
    path('M200 200 l20 36 h-40 Z', p.cream),
    '',
  );

export const tent: Drawing = (p, pick) =>
  pick(circle(316, 96, 28, '#f4c95d'), circle(90, 100, 22, '#ffffffcc')) +
  path('M30 330 L96 244 L150 330 Z', '#9fb09a88') +
  path('M270 330 L330 232 L384 330 Z', '#8aa08688') +
  pick(
    path('M200 96 L344 330 H56 Z', p.main) +
      path('M200 96 L344 330 H250 Z', p.dark) +
      path('M200 168 L246 330 H154 Z', p.deep) +
      path('M200 168 L154 330 H138 L198 160 Z', p.light) +
      line('M200 96 L192 76 M200 96 L208 76', p.wood, 7),
    path('M52 330 Q70 130 200 126 Q330 130 348 330 Z', p.main) +
      path('M240 131 Q332 150 348 330 H276 Q282 190 240 131 Z', p.dark) +
      path('M150 330 Q154 206 200 204 Q246 206 250 330 Z', p.deep) +
      line('M200 204 V330', p.light, 4),
  ) +
  line('M44 332 H356', '#00000022', 6);

export const lantern: Drawing = (p, pick) =>
  ellipse(200, 222, 140, 130, '#ffeab066') +
  line('M140 130 Q140 54 200 54 Q260 54 260 130', p.metalDark, 8) +
  path('M150 118 H250 L274 150 H126 Z', p.main) +
  rect(138, 150, 124, 136, '#fff6da', 10) +
  pick(path('M200 182 Q222 216 200 244 Q178 216 200 182 Z', '#f4b63f'), circle(200, 216, 26, '#f9d26c')) +
  line('M160 150 V286 M240 150 V286', p.dark, 6) +
  rect(122, 282, 156, 48, p.main, 12) +
  rect(228, 282, 50, 48, p.dark, 12) +
  circle(200, 306, 9, p.cream);

export const boot: Drawing = (p, pick) =>
  path('M120 80 H226 V206 Q240 228 300 240 Q344 252 344 300 H120 Z', p.main) +
  path('M120 80 H156 V300 H120 Z', p.dark) +
  path('M268 232 Q344 242 344 300 H250 Q252 252 268 232 Z', p.dark) +
  rect(112, 74, 122, 26, pick(p.cream, p.light), 12) +
  path('M106 296 H348 Q352 330 340 330 H118 Q104 330 106 296 Z', p.ink) +
  line('M122 306 H340', pick(p.wood, p.second), 7) +
  line('M196 128 L240 120 M196 156 L240 148 M200 184 L246 176 M212 210 L258 204', p.cream, 6) +
  circle(196, 128, 6, p.second) +
  circle(196, 156, 6, p.second) +
  circle(200, 184, 6, p.second);
