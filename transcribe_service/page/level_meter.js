/** How loud it is at the microphone: whether it hears anything at all. */
import { el } from "./dom.js";

const QUIETEST_DB = -60;

export class LevelMeter {
  node = el("meter", { class: "level", min: "0", max: "1", "aria-label": "Level of the microphone" });

  /** Shows the level of a stream until `stop`. */
  start(microphone) {
    if (!microphone) return;
    this.audio = new AudioContext();
    const analyser = new AnalyserNode(this.audio, { fftSize: 1024 }), samples = new Float32Array(analyser.fftSize);
    this.audio.createMediaStreamSource(microphone).connect(analyser);
    const { audio } = this;
    const show = () => {
      if (audio !== this.audio) return;
      analyser.getFloatTimeDomainData(samples);
      const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
      this.node.value = Math.min(1, Math.max(0, 1 - (10 * Math.log10(power + 1e-12)) / QUIETEST_DB));
      setTimeout(show, 80);
    };
    show();
  }

  stop() {
    this.audio?.close();
    this.audio = null;
  }
}
