// Drawings of the wardrobe department.

import { circle, type Drawing, ellipse, line, path, rect } from './paint.ts';

const torso = 'M140 84 Q200 116 260 84 L346 132 L314 204 L276 186 V326 H124 V186 L86 204 L54 132 Z';

export const shirt: Drawing = (p, pick) =>
  path(torso, p.main) +
  path('M276 186 V326 H240 Q256 250 256 150 Z', p.dark) +
  path('M140 84 Q200 116 260 84 L250 78 Q200 104 150 78 Z', p.deep) +
  pick(
    '',
    line('M124 200 H276 M124 232 H276 M124 264 H276 M124 296 H276', p.light, 10),
    circle(200, 212, 34, p.second) + path('M170 228 L196 194 L212 212 L220 204 L232 226 Z', p.cream),
    rect(216, 156, 40, 46, p.dark, 5),
    rect(124, 186, 152, 40, p.second),
  );

export const knitwear: Drawing = (p, pick) =>
  path('M138 88 Q200 112 262 88 L322 122 L352 300 L306 308 L282 190 V316 H118 V190 L94 308 L48 300 L78 122 Z', p.main) +
  path('M282 190 V316 H244 Q262 250 262 160 Z', p.dark) +
  pick(
    line(
      'M150 150 l14 16 l14 -16 l14 16 l14 -16 l14 16 l14 -16 l14 16 M150 176 l14 16 l14 -16 l14 16 l14 -16 l14 16 l14 -16 l14 16',
      p.cream,
      6,
    ),
    line('M160 130 V312 M200 130 V312 M240 130 V312', p.light, 9) + line('M180 130 V312 M220 130 V312', p.dark, 4),
    line('M118 220 H282 M118 236 H282 M118 252 H282', p.second, 7),
    '',
  ) +
  rect(116, 304, 168, 26, p.deep, 8) +
  rect(46, 290, 52, 24, p.deep, 8) +
  rect(302, 290, 52, 24, p.deep, 8) +
  path('M138 88 Q200 122 262 88 L254 70 Q200 96 146 70 Z', p.deep);

export const jacket: Drawing = (p, pick) =>
  path('M136 80 H264 L328 118 L352 296 L304 304 L284 196 V330 H116 V196 L96 304 L48 296 L72 118 Z', p.main) +
  path('M284 196 V330 H246 Q264 260 264 150 Z', p.dark) +
  path('M136 80 L200 150 L264 80 L246 64 H154 Z', p.deep) +
  path('M158 66 L200 128 L242 66 Z', p.cream) +
  line('M200 130 V328', p.deep, 5) +
  rect(134, 246, 48, 50, p.dark, 6) +
  rect(218, 246, 48, 50, p.deep, 6) +
  pick(
    circle(190, 176, 5, p.cream) + circle(190, 214, 5, p.cream) + circle(190, 310, 5, p.cream),
    line('M116 176 H284 M116 228 H284', p.dark, 5),
    rect(222, 166, 40, 22, p.second, 4),
  );

export const trainers: Drawing = (p, pick) => {
  const shoe =
    path('M64 214 Q96 226 128 176 Q148 168 168 182 Q206 246 300 252 Q346 260 346 296 H64 Z', p.main) +
    path('M64 214 Q80 222 96 210 V296 H64 Z', p.dark) +
    path('M286 250 Q346 258 346 296 H262 Q262 262 286 250 Z', pick(p.cream, p.light)) +
    path('M56 292 H350 Q354 326 334 326 H78 Q54 326 56 292 Z', p.cream) +
    line('M64 314 H346', '#00000022', 5) +
    line('M170 200 L196 186 M184 218 L212 204 M202 234 L230 220', p.cream, 7);
  const mark = pick(
    line('M106 276 Q150 276 184 242', p.second, 12),
    line('M118 280 L150 226 M144 284 L176 236', p.second, 10),
    circle(140, 252, 18, p.second),
  );
  return shoe + mark;
};

export const hat: Drawing = (p, pick) =>
  pick(
    path('M112 234 Q112 118 204 118 Q292 118 292 234 Z', p.main) +
      path('M236 122 Q292 140 292 234 H246 Q256 166 236 122 Z', p.dark) +
      path('M200 230 Q330 214 366 262 Q296 250 200 264 Q112 260 112 232 Z', p.deep) +
      circle(204, 116, 9, p.dark) +
      rect(168, 170, 60, 34, p.cream, 6),
    path('M116 232 Q116 104 200 104 Q284 104 284 232 Z', p.main) +
      line('M150 130 V230 M183 110 V230 M217 110 V230 M250 130 V230', p.dark, 6) +
      rect(102, 222, 196, 62, p.light, 20) +
      line('M130 226 V280 M165 224 V282 M200 224 V282 M235 224 V282 M270 226 V280', p.main, 5) +
      circle(200, 92, 32, p.cream),
    ellipse(200, 270, 166, 34, p.dark) +
      ellipse(200, 262, 166, 34, p.main) +
      path('M124 258 Q128 130 200 138 Q272 130 276 258 Q200 282 124 258 Z', p.light) +
      path('M122 232 Q200 256 278 232 V258 Q200 284 122 258 Z', p.second),
  );
