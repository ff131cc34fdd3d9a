// Colours and the few shapes every drawing is made of. All drawings stand on a 400 × 400 canvas with the floor at y = 330.

export const colours = {
  chalk: '#e6dfd0',
  oat: '#d3bd94',
  terracotta: '#c4694a',
  rust: '#9c4a2f',
  moss: '#6b7a45',
  forest: '#2f5d4a',
  sage: '#98ac93',
  sky: '#86b0cd',
  ocean: '#2f6391',
  ink: '#2b3550',
  plum: '#73425f',
  blush: '#dda294',
  mustard: '#dca43a',
  charcoal: '#43474b',
  slate: '#7b8893',
} as const;
export type Colour = keyof typeof colours;

export function isColour(name: string): name is Colour {
  return Object.hasOwn(colours, name);
}

/** What a drawing paints with: shades of the product's colour, fixed materials, and a second colour that goes with it. */
export interface Paint {
  readonly main: string;
  readonly dark: string;
  readonly deep: string;
  readonly light: string;
  readonly second: string;
  readonly wood: string;
  readonly woodDark: string;
  readonly metal: string;
  readonly metalDark: string;
  readonly cream: string;
  readonly ink: string;
}

/** Picks one of the given values; the same look always gets the same picks. */
export type Pick = <T>(...values: readonly [T, ...T[]]) => T;

export type Drawing = (paint: Paint, pick: Pick) => string;

const goesWith: Record<Colour, Colour> = {
  chalk: 'sage',
  oat: 'forest',
  terracotta: 'oat',
  rust: 'mustard',
  moss: 'mustard',
  forest: 'oat',
  sage: 'terracotta',
  sky: 'ink',
  ocean: 'mustard',
  ink: 'blush',
  plum: 'blush',
  blush: 'plum',
  mustard: 'ocean',
  charcoal: 'terracotta',
  slate: 'mustard',
};

export function paintOf(colour: Colour): Paint {
  const main = colours[colour];
  return {
    main,
    dark: mix(main, '#1a1d22', 0.2),
    deep: mix(main, '#1a1d22', 0.42),
    light: mix(main, '#ffffff', 0.28),
    second: colours[goesWith[colour]],
    wood: '#c89b6a',
    woodDark: '#a67a4c',
    metal: '#c3c8cc',
    metalDark: '#8d959c',
    cream: '#f6f1e7',
    ink: '#2a2d33',
  };
}

/** `share` of `b` in `a`; both as #rrggbb. */
export function mix(a: string, b: string, share: number): string {
  const channel = (from: number) => {
    const x = Number.parseInt(a.slice(from, from + 2), 16);
    const y = Number.parseInt(b.slice(from, from + 2), 16);
    return Math.round(x + (y - x) * share)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

export function rect(x: number, y: number, width: number, height: number, fill: string, radius = 0): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}"${radius ? ` rx="${radius}"` : ''} fill="${fill}"/>`;
}

export function circle(x: number, y: number, r: number, fill: string): string {
  return `<circle cx="${x}" cy="${y}" r="${r}" fill="${fill}"/>`;
}

export function ellipse(x: number, y: number, rx: number, ry: number, fill: string): string {
  return `<ellipse cx="${x}" cy="${y}" rx="${rx}" ry="${ry}" fill="${fill}"/>`;
}

export function path(d: string, fill: string): string {
  return `<path d="${d}" fill="${fill}"/>`;
}

/** An open line with round ends. */
export function line(d: string, colour: string, width: number): string {
  return `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-linecap="round" stroke-linejoin="round"/>`;
}

export function rotate(degrees: number, x: number, y: number, shapes: string): string {
  return `<g transform="rotate(${degrees} ${x} ${y})">${shapes}</g>`;
}
