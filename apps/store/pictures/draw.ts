// Product pictures: drawn from a name, so they need no files. The same look is always the same picture.
//
//   mug/terracotta-417          the product on its own
//   mug/terracotta-417-2        view 2: closer      -3: at home, on a shelf

import { blanket, candle, clock, mirror, towels } from './bedroom.ts';
import { games, gardenTools, planter, wateringCan, woodenToys } from './garden.ts';
import { bowls, kettle, knife, mug, saucepan } from './kitchen.ts';
import { armchair, cushion, lamp, table, vase } from './living.ts';
import { backpack, boot, bottle, lantern, tent } from './outdoors.ts';
import {
  type Colour,
  circle,
  colours,
  type Drawing,
  ellipse,
  isColour,
  mix,
  type Pick,
  paintOf,
  rect,
} from './paint.ts';
import { boxes, deskLamp, keyboard, notebook, pen } from './study.ts';
import { camera, headphones, speaker, turntable, watch } from './tech.ts';
import { hat, jacket, knitwear, shirt, trainers } from './wardrobe.ts';

const drawings: ReadonlyMap<string, Drawing> = new Map(
  Object.entries({
    mug,
    kettle,
    saucepan,
    bowls,
    knife,
    lamp,
    armchair,
    table,
    vase,
    cushion,
    blanket,
    towels,
    candle,
    mirror,
    clock,
    notebook,
    pen,
    'desk-lamp': deskLamp,
    boxes,
    keyboard,
    headphones,
    speaker,
    camera,
    watch,
    turntable,
    backpack,
    bottle,
    tent,
    lantern,
    boot,
    shirt,
    knitwear,
    jacket,
    trainers,
    hat,
    planter,
    'watering-can': wateringCan,
    'garden-tools': gardenTools,
    'wooden-toys': woodenToys,
    games,
  }),
);

const lookPattern = /^([a-z]+)-(\d{1,4})(?:-([1-3]))?$/;
const grounds = ['#edf0ea', '#f4ece3', '#e7eef3', '#f1ebf2', '#f3f0e2', '#e5f0ea', '#f6eae7', '#ececf0'] as const;

/** SVG text of a picture, or undefined when there is no such drawing or look. */
export function drawPicture(drawing: string, look: string): string | undefined {
  const draw = drawings.get(drawing);
  const [, colour, variant, view] = lookPattern.exec(look) ?? [];
  if (!draw || colour === undefined || variant === undefined || !isColour(colour)) return undefined;
  const seed = Number(variant);
  const shapes = ellipse(200, 332, 140, 12, '#1a1d2218') + draw(paintOf(colour), picker(seed));
  if (view === '2') return canvas(closeUp(seed), groundOf(seed, colour), shapes);
  if (view === '3') return canvas('0 0 400 400', mix(colours[colour], '#ffffff', 0.72), atHome(colour, shapes));
  return canvas('0 0 400 400', groundOf(seed, colour), shapes);
}

function canvas(viewBox: string, ground: string, shapes: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${viewBox}" width="800" height="800"><path fill="${ground}" d="M-100-100h600v600h-600z"/>${shapes}</svg>`;
}

function groundOf(seed: number, colour: Colour): string {
  // Pale products need a ground that sets them off.
  if (colour === 'chalk') return mix(colours.sage, '#ffffff', 0.58);
  return grounds[(seed * 7 + colour.length) % grounds.length] ?? grounds[0];
}

function closeUp(seed: number): string {
  const corners = ['40 60 220 220', '130 60 220 220', '60 140 220 220'] as const;
  return corners[seed % corners.length] ?? corners[0];
}

/** On a shelf by a window. */
function atHome(colour: Colour, shapes: string): string {
  const wall = mix(colours[colour], '#ffffff', 0.72);
  const frame =
    rect(36, 30, 118, 150, '#ffffff', 4) + rect(44, 38, 102, 134, '#d9e8ef') + circle(122, 66, 15, '#fbe3a0');
  const sill = rect(93, 38, 4, 134, '#ffffff') + rect(44, 102, 102, 4, '#ffffff');
  const shelf =
    rect(-10, 318, 420, 18, '#c89b6a') +
    rect(-10, 336, 420, 70, mix(wall, '#1a1d22', 0.08)) +
    rect(-10, 334, 420, 6, '#a67a4c');
  return `${frame}${sill}${shelf}<g transform="translate(122 92) scale(.68)">${shapes}</g>`;
}

/** A pick per call, each from its own digits of the seed, so that neighbours differ in more than one way. */
function picker(seed: number): Pick {
  let state = (seed * 2654435761 + 97) % 4294967296;
  return (...values) => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return values[Math.floor((state / 4294967296) * values.length)] ?? values[0];
  };
}
