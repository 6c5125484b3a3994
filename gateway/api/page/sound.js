// One sound, for an SOS nobody has acknowledged; browsers allow it only after the operator's own click.

const REPEAT_MS = 2000;
let context = null;
let timer = null;

export function setSound(on, alarming) {
  if (on && context === null) context = new AudioContext();
  clearInterval(timer);
  timer = on ? setInterval(() => alarming() && beep(), REPEAT_MS) : null;
  if (on) beep();
}

function beep() {
  for (const [delay, pitch] of [[0, 880], [0.22, 660], [0.44, 880]]) {
    const oscillator = new OscillatorNode(context, { type: "square", frequency: pitch });
    const gain = new GainNode(context, { gain: 0.12 });
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(context.currentTime + delay);
    oscillator.stop(context.currentTime + delay + 0.18);
  }
}
