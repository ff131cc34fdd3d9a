// The comparison: asks both sides in turn through their frames, and draws what comes of it while it runs.

const requests = 100;
const answerMs = 10_000;
const chart = { width: 400, height: 160 };

const controls = document.querySelector('[data-controls]');
const verdict = document.querySelector('[data-verdict]');
const sides = [...document.querySelectorAll('[data-side]')].map((section) => new Side(section));
const [here, there] = sides;
let run = 0;

controls.addEventListener('submit', (event) => {
  event.preventDefault();
  if (run % 2 === 1) run += 1;
  else void race();
});
controls.addEventListener('change', () => {
  for (const side of sides) side.showHops(chosen().value);
  void showPage();
});
document.querySelector('[data-switch]').addEventListener('change', () => void showPage());
for (const side of sides) side.showHops(chosen().value);
void showPage();

function Side(section) {
  const frame = section.querySelector('iframe');
  const origin = section.dataset.origin || location.origin;
  const waiting = new Map();
  let asked = 0;
  let announce;
  const ready = new Promise((resolve) => {
    announce = resolve;
    setTimeout(() => resolve(false), answerMs);
  });
  const figure = (name) => section.querySelector(`[data-figure="${name}"]`);
  addEventListener('message', (event) => {
    if (event.source !== frame.contentWindow || event.origin !== origin) return;
    if (event.data.ready) return announce(true);
    waiting.get(event.data.id)?.(event.data);
    waiting.delete(event.data.id);
  });
  frame.src = `${origin}/assets/runner.html`;

  this.times = [];
  this.failure = undefined;
  this.title = section.dataset.title;
  this.processes = section.dataset.processes;
  this.hops = JSON.parse(section.dataset.hops);
  this.showHops = (page) => {
    figure('hops').textContent = String(this.hops[page]);
  };
  /** Resolves with `{ ms, text }` or `{ failure }`. */
  this.ask = async (path) => {
    if (!(await ready)) return { failure: `no answer from ${origin}` };
    const id = ++asked;
    return new Promise((resolve) => {
      waiting.set(id, resolve);
      setTimeout(() => {
        if (waiting.delete(id)) resolve({ failure: `no answer from ${origin}` });
      }, answerMs);
      frame.contentWindow.postMessage({ id, path }, origin);
    });
  };
  this.reset = () => {
    this.times = [];
    this.failure = undefined;
  };
  this.take = ({ ms, failure }) => {
    if (failure) this.failure = failure;
    else this.times.push(ms);
  };
  this.draw = (mostMs) => {
    figure('p50').textContent = inMs(percentile(this.times, 0.5));
    figure('p95').textContent = inMs(percentile(this.times, 0.95));
    figure('count').textContent = String(this.times.length);
    section.querySelector('[data-scale]').textContent = `0 to ${mostMs} ms`;
    drawChart(section.querySelector('[data-chart]'), this.times, mostMs);
  };
}

function chosen() {
  return controls.querySelector('input[name="page"]:checked');
}

async function race() {
  const own = ++run;
  const button = controls.querySelector('[data-run]');
  const { path } = chosen().dataset;
  button.textContent = 'Stop';
  verdict.textContent = 'Running …';
  // Connections and code are warm on both sides before anything counts.
  for (let at = 0; at < 5; at++) for (const side of sides) await side.ask(path);
  for (const side of sides) side.reset();
  for (let at = 0; at < requests && run === own; at++) {
    // The first of each pair takes turns too.
    for (const side of at % 2 === 0 ? sides : [there, here]) side.take(await side.ask(path));
    const mostMs = scaleOf(Math.max(...sides.map(({ times }) => percentile(times, 0.98) ?? 0)));
    for (const side of sides) side.draw(mostMs);
    if (sides.some(({ failure }) => failure)) break;
  }
  if (run === own) run += 1;
  button.textContent = 'Start again';
  verdict.textContent = conclusion();
}

function conclusion() {
  const failing = sides.find(({ failure }) => failure);
  if (failing) return `${failing.title}: ${failing.failure}. Is it still running?`;
  const [own, other] = sides.map(({ times }) => percentile(times, 0.5));
  if (own === undefined || other === undefined) return 'Stopped.';
  const factor = other / own;
  return `Half of the answers came within ${inMs(own)} from ${here.title}, and within ${inMs(other)} from ${there.title}: ${factor.toFixed(1)} times as long.`;
}

function drawChart(svg, times, mostMs) {
  const x = (at) => ((at + 0.5) / requests) * chart.width;
  const y = (ms) => chart.height - Math.min(1, ms / mostMs) * (chart.height - 4);
  const bars = times.map((ms, at) => `M${x(at).toFixed(1)} ${chart.height}V${y(ms).toFixed(1)}`);
  const middle = y(percentile(times, 0.5) ?? 0).toFixed(1);
  const high = y(percentile(times, 0.95) ?? 0).toFixed(1);
  svg.innerHTML = `<path class="bars" d="${bars.join('')}"/><path class="line" d="M0 ${middle}H${chart.width}"/><path class="line high" d="M0 ${high}H${chart.width}"/>`;
}

/** The next of 1, 2, 5, 10, 20 … */
function scaleOf(ms) {
  const power = 10 ** Math.floor(Math.log10(Math.max(ms, 0.1)));
  return Number(([1, 2, 5, 10].find((factor) => factor * power >= ms) * power).toPrecision(1));
}

function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

function inMs(ms) {
  return ms === undefined ? '–' : `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
}

/** The page as the side that is switched to answers it. */
async function showPage() {
  const side = document.querySelector('input[name="side"]:checked').value === 'here' ? here : there;
  const { value, dataset } = chosen();
  const answer = await side.ask(dataset.path);
  // Somebody may have switched meanwhile.
  if (chosen().value !== value) return;
  const served = document.querySelector('[data-served]');
  const list = document.querySelector('[data-page]');
  if (answer.failure) {
    served.textContent = `${side.title} gave ${answer.failure}.`;
    list.replaceChildren();
    return;
  }
  const hops = side.hops[value];
  served.textContent = `Served by ${side.processes} in ${inMs(answer.ms)}, ${hops === 1 ? '1 hop' : `${hops} hops`} behind its address.`;
  list.replaceChildren(...productsOf(JSON.parse(answer.text)).slice(0, 4).map(cardOf));
}

function productsOf({ product, products, featured, related = [] }) {
  return product ? [product, ...related] : (products ?? featured ?? []);
}

function cardOf({ id, name, brand, picture }) {
  const item = document.createElement('li');
  item.className = 'card';
  const image = Object.assign(document.createElement('img'), {
    src: `/pictures/${picture}.svg`,
    alt: '',
    width: 400,
    height: 400,
  });
  const words = Object.assign(document.createElement('p'), { className: 'card-brand', textContent: brand });
  const link = Object.assign(document.createElement('a'), { href: `/p/${id}`, textContent: name });
  item.append(image, words, link);
  return item;
}
