// Drawings of the audio-and-tech department.

import { circle, type Drawing, ellipse, line, path, rect } from './paint.ts';

export const headphones: Drawing = (p, pick) =>
  line('M98 240 V200 Q98 84 200 84 Q302 84 302 200 V240', p.ink, 20) +
  line('M130 128 Q160 96 200 96 Q240 96 270 128', p.main, pick(26, 18)) +
  rect(74, 206, 58, 118, p.dark, 28) +
  rect(268, 206, 58, 118, p.dark, 28) +
  rect(112, 200, 38, 130, p.main, 18) +
  rect(250, 200, 38, 130, p.main, 18) +
  pick(circle(102, 264, 12, p.second) + circle(298, 264, 12, p.second), '');

export const speaker: Drawing = (p, pick) =>
  pick(
    rect(120, 62, 160, 268, p.main, 18) +
      rect(240, 62, 40, 268, p.dark, 18) +
      circle(200, 128, 36, p.ink) +
      circle(200, 128, 16, p.metalDark) +
      circle(200, 242, 62, p.ink) +
      circle(200, 242, 46, '#3b4047') +
      circle(200, 242, 18, p.metalDark),
    rect(76, 150, 248, 180, p.main, 54) +
      rect(96, 176, 208, 128, p.deep, 40) +
      dots(p.light) +
      line('M140 150 Q140 106 200 106 Q260 106 260 150', p.wood, 14),
    rect(128, 96, 144, 234, p.main, 72) +
      rect(128, 168, 144, 120, p.dark, 0) +
      line('M128 188 H272 M128 208 H272 M128 228 H272 M128 248 H272 M128 268 H272', p.deep, 5) +
      ellipse(200, 112, 44, 10, p.light),
  );

function dots(fill: string): string {
  return Array.from({ length: 24 }, (_, at) =>
    circle(130 + (at % 8) * 20, 216 + Math.floor(at / 8) * 24, 5, fill),
  ).join('');
}

export const camera: Drawing = (p, pick) =>
  rect(150, 96, 100, 50, p.dark, 12) +
  rect(84, 112, 50, 24, p.metalDark, 8) +
  rect(60, 128, 280, 192, p.main, 26) +
  rect(60, pick(170, 190), 280, pick(96, 70), p.deep) +
  circle(200, 226, 78, p.metal) +
  circle(200, 226, 66, p.ink) +
  circle(200, 226, 44, '#41506a') +
  circle(200, 226, 24, '#161a22') +
  circle(182, 208, 10, '#ffffffaa') +
  rect(272, 142, 46, 22, '#d5e3ea', 6) +
  circle(92, 150, 9, p.second) +
  pick(line('M62 150 Q20 220 40 330 M338 150 Q380 220 360 330', p.woodDark, 8), '');

export const watch: Drawing = (p, pick) =>
  path('M158 40 H242 L250 130 H150 Z', p.main) +
  path('M150 270 H250 L242 360 H158 Z', p.main) +
  path('M212 40 H242 L250 130 H222 Z M222 270 H250 L242 360 H212 Z', p.dark) +
  rect(282, 188, 22, 24, p.metalDark, 5) +
  pick(
    circle(200, 200, 92, p.metal) +
      circle(200, 200, 80, p.cream) +
      line('M200 132 v14 M200 254 v14 M132 200 h14 M254 200 h14', p.ink, 5) +
      line('M200 200 V150 M200 200 L236 220', p.ink, 7) +
      line('M200 200 L172 246', p.second, 3),
    rect(112, 108, 176, 184, p.metalDark, 48) +
      rect(124, 120, 152, 160, '#181b21', 38) +
      `<text x="200" y="212" font-family="system-ui,sans-serif" font-size="46" font-weight="600" text-anchor="middle" fill="#fff">10:09</text>` +
      line('M156 240 H212', p.light, 9) +
      line('M224 240 H244', '#ffffff44', 9),
    circle(200, 200, 92, '#d8b45c') +
      circle(200, 200, 80, p.deep) +
      line('M200 130 v12 M200 258 v12 M130 200 h12 M258 200 h12', p.cream, 5) +
      line('M200 200 V148 M200 200 L240 182', p.cream, 7),
  );

export const turntable: Drawing = (p, pick) =>
  pick(
    rect(56, 126, 288, 196, p.main, 16) + rect(56, 290, 288, 32, p.dark, 14),
    rect(56, 126, 288, 196, p.wood, 16) + rect(56, 290, 288, 32, p.woodDark, 14),
  ) +
  rect(84, 322, 36, 12, p.ink, 5) +
  rect(280, 322, 36, 12, p.ink, 5) +
  circle(174, 208, 76, '#1d1f24') +
  circle(174, 208, 62, '#2b2e35') +
  circle(174, 208, 48, '#1d1f24') +
  circle(174, 208, 26, p.second) +
  circle(174, 208, 5, p.cream) +
  line('M300 154 V216 L236 250', p.metal, 8) +
  circle(300, 154, 18, p.metalDark) +
  rect(226, 242, 22, 16, p.ink, 4) +
  circle(306, 262, 11, p.metal);
