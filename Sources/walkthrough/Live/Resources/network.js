"use strict";

// The network of a page that computes: run here on one picture, forwards and backwards, in the loops
// of Sources/Reference. A tensor is a Float32Array of channels × rows × columns; sums are kept in double
// precision until they are stored.
const live = (() => {
  /** How many numbers a tensor of these extents has. */
  const sizeOf = ([channels, rows, columns]) => channels * rows * columns;

  /** The numbers of a file in base64: bytes, or single precision with the lowest byte first. */
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  function floatsOf(text) {
    const view = new DataView(bytesOf(text).buffer);
    return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  }

  /** First and last position that a window of `kernel` beginning at `start` has on `extent` positions. */
  const clipped = (start, kernel, extent) => [Math.max(start, 0), Math.min(start + kernel, extent)];

  /**
   * Each type of layer: `forward` fills y from x, `backward` adds ∂L/∂x to dx, which begins at 0, and sets
   * the gradients of its parameters.
   */
  const operations = {
    Convolution: {
      // out[k,y,x] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · in[g·C/G + c, y·s + i − p, x·s + j − p]
      forward(layer, x, y) {
        const { channels, rows, columns, kernel, weights } = layer;
        eachOutput(layer, (k, position, top, left, firstRow, endRow, first, end) => {
          const plane = layer.firstChannel(k) * rows;
          let sum = layer.bias[k];
          for (let c = 0; c < channels; c++) {
            for (let row = firstRow; row < endRow; row++) {
              const base = (plane + c * rows + row) * columns;
              const weight = ((k * channels + c) * kernel + row - top) * kernel - left;
              for (let column = first; column < end; column++) {
                sum += weights[weight + column] * x[base + column];
              }
            }
          }
          y[position] = sum;
        });
      },
      backward(layer, x, y, dy, dx) {
        const { channels, rows, columns, kernel, weights, weightGradient, biasGradient } = layer;
        eachOutput(layer, (k, position, top, left, firstRow, endRow, first, end) => {
          const gradient = dy[position];
          if (gradient === 0) return;
          biasGradient[k] += gradient;
          for (let c = 0; c < channels; c++) {
            const plane = (layer.firstChannel(k) + c) * rows;
            for (let row = firstRow; row < endRow; row++) {
              const base = (plane + row) * columns;
              const weight = ((k * channels + c) * kernel + row - top) * kernel - left;
              for (let column = first; column < end; column++) {
                weightGradient[weight + column] += gradient * x[base + column];
                dx[base + column] += gradient * weights[weight + column];
              }
            }
          }
        });
      },
    },

    InnerProduct: {
      // out[k] = b[k] + Σ_i w[k,i] · in[i]
      forward(layer, x, y) {
        for (let k = 0; k < y.length; k++) {
          let sum = layer.bias[k];
          for (let i = 0; i < x.length; i++) sum += layer.weights[k * x.length + i] * x[i];
          y[k] = sum;
        }
      },
      backward(layer, x, y, dy, dx) {
        for (let k = 0; k < y.length; k++) {
          if (dy[k] === 0) continue;
          layer.biasGradient[k] = dy[k];
          for (let i = 0; i < x.length; i++) {
            layer.weightGradient[k * x.length + i] = dy[k] * x[i];
            dx[i] += dy[k] * layer.weights[k * x.length + i];
          }
        }
      },
    },

    // The maximum of each window; its gradient goes to the first of the largest.
    Pooling: {
      forward(layer, x, y) {
        layer.winners ??= new Int32Array(y.length);
        eachOutput(layer, (k, position, top, left, firstRow, endRow, first, end) => {
          let best = -Infinity;
          for (let row = firstRow; row < endRow; row++) {
            for (let column = first; column < end; column++) {
              const candidate = (k * layer.rows + row) * layer.columns + column;
              if (x[candidate] > best) {
                best = x[candidate];
                layer.winners[position] = candidate;
              }
            }
          }
          y[position] = best;
        });
      },
      backward(layer, x, y, dy, dx) {
        for (let i = 0; i < dy.length; i++) dx[layer.winners[i]] += dy[i];
      },
    },

    // s = k + α/n · Σ in²  over n neighbouring channels, out = in · s^−β
    LRN: {
      forward(layer, x, y) {
        layer.scale ??= new Float32Array(y.length);
        const area = layer.rows * layer.columns;
        for (let i = 0; i < x.length; i++) {
          let energy = 0;
          for (const j of layer.neighbours(i, area)) energy += x[j] * x[j];
          layer.scale[i] = layer.k + layer.alpha / layer.size * energy;
          y[i] = x[i] * layer.scale[i] ** -layer.beta;
        }
      },
      // ∂L/∂in[i] = ∂L/∂out[i] · s[i]^−β − 2αβ/n · in[i] · Σ_j ∂L/∂out[j] · out[j] / s[j]
      backward(layer, x, y, dy, dx) {
        const area = layer.rows * layer.columns;
        const factor = 2 * layer.alpha * layer.beta / layer.size;
        for (let i = 0; i < x.length; i++) {
          let sum = 0;
          for (const j of layer.neighbours(i, area)) sum += dy[j] * y[j] / layer.scale[j];
          dx[i] += dy[i] * layer.scale[i] ** -layer.beta - factor * x[i] * sum;
        }
      },
    },

    ReLU: {
      forward(layer, x, y) {
        for (let i = 0; i < x.length; i++) y[i] = Math.max(x[i], 0);
      },
      backward(layer, x, y, dy, dx) {
        for (let i = 0; i < x.length; i++) dx[i] += x[i] > 0 ? dy[i] : 0;
      },
    },

    // In testing nothing is dropped. With a mask, of zeros and 1/(1 − ratio), it is as in training.
    Dropout: {
      forward(layer, x, y) {
        for (let i = 0; i < x.length; i++) y[i] = x[i] * (layer.mask ? layer.mask[i] : 1);
      },
      backward(layer, x, y, dy, dx) {
        for (let i = 0; i < x.length; i++) dx[i] += dy[i] * (layer.mask ? layer.mask[i] : 1);
      },
    },

    // L = −ln p[label], p the softmax of the scores; ∂L/∂score = p − onehot
    SoftmaxWithLoss: {
      forward(layer, x, y) {
        const largest = x.reduce((a, b) => Math.max(a, b), -Infinity);
        const powers = Array.from(x, (score) => Math.exp(score - largest));
        const sum = powers.reduce((a, b) => a + b, 0);
        layer.probabilities = powers.map((power) => power / sum);
        // Of a p that is nearly 1, what it lacks counts: ln(1 + rest), not ln of a rounded sum.
        const rest = powers.reduce((a, b, i) => a + (i === layer.label ? 0 : b), 0);
        y[0] = x[layer.label] === largest ? Math.log1p(rest) : Math.log(sum) + largest - x[layer.label];
      },
      backward(layer, x, y, dy, dx) {
        layer.probabilities.forEach((p, i) => { dx[i] += dy[0] * (p - (i === layer.label)); });
      },
    },
  };

  /** Calls `body` for each output of a layer with a window: kernel, position, the window's first row and
   * column, and what of its rows and columns lies on the input. */
  function eachOutput(layer, body) {
    const [kernels, height, width] = layer.output;
    for (let y = 0; y < height; y++) {
      const top = y * layer.stride - layer.pad;
      const rows = clipped(top, layer.kernel, layer.rows);
      for (let x = 0; x < width; x++) {
        const left = x * layer.stride - layer.pad;
        const columns = clipped(left, layer.kernel, layer.columns);
        for (let k = 0; k < kernels; k++) {
          body(k, (k * height + y) * width + x, top, left, ...rows, ...columns);
        }
      }
    }
  }

  /** A layer of a network that runs here; what it is comes from the page's data. */
  class LiveLayer {
    constructor(description, parameters) {
      Object.assign(this, description);
      const { kernel, stride, pad, group = 1, localSize, alpha, beta, k, ratio } = description.settings;
      // Windows are squares here.
      [this.kernel, this.stride, this.pad] = [kernel?.[0], stride?.[0], pad?.[0]];
      Object.assign(this, { group, size: localSize, alpha, beta, k, ratio });
      [, this.rows, this.columns] = this.input;
      // Of one group.
      this.channels = this.input[0] / group;
      this.values = new Float32Array(sizeOf(this.output));
      this.gradient = new Float32Array(sizeOf(this.output));
      [this.weights, this.bias] = parameters;
      this.weightGradient = new Float32Array(this.weights?.length ?? 0);
      this.biasGradient = new Float32Array(this.bias?.length ?? 0);
      /** Whether the layer passes on what it gets. */
      this.isSkipped = false;
      /** The channels whose outputs are set to 0. */
      this.muted = new Set();
    }

    /** The first channel that a kernel sees. */
    firstChannel(kernel) {
      return Math.floor(kernel / (this.output[0] / this.group)) * this.channels;
    }

    get hasWeights() { return this.parameters.length > 0; }

    /** What a value of a layer with weights is made of: channels, and a window of weights in each. */
    window(k, row, column) {
      const isConvolution = this.type === "Convolution";
      const [height, width] = isConvolution ? [this.kernel, this.kernel] : [this.rows, this.columns];
      return {
        firstChannel: isConvolution ? this.firstChannel(k) : 0, channels: this.channels, height, width,
        top: isConvolution ? row * this.stride - this.pad : 0,
        left: isConvolution ? column * this.stride - this.pad : 0,
        weight: (c, i, j) => ((k * this.channels + c) * height + i) * width + j,
      };
    }

    /** A value of the input, the only image; `null` in the padding. */
    tap(input, channel, row, column) {
      return row < 0 || column < 0 || row >= this.rows || column >= this.columns ? null
        : input[(channel * this.rows + row) * this.columns + column];
    }

    /** The positions of the same place in the channels around that of position i. */
    neighbours(i, area) {
      const [channel, reach] = [Math.floor(i / area), (this.size - 1) / 2];
      const first = Math.max(channel - reach, 0);
      const last = Math.min(channel + reach, this.input[0] - 1);
      return Array.from({ length: last - first + 1 }, (_, n) => i + (first + n - channel) * area);
    }

    mute(values) {
      const area = this.output[1] * this.output[2];
      for (const channel of this.muted) values.fill(0, channel * area, (channel + 1) * area);
    }
  }

  class LiveNetwork {
    /**
     * @param description the page's data: `input`, and `layers` that each take what the one before gives
     * @param parameters the weights and biases of all layers, one after the other
     */
    constructor(description, parameters) {
      this.extents = description.input;
      this.input = new Float32Array(sizeOf(this.extents));
      this.inputGradient = new Float32Array(this.input.length);
      let used = 0;
      this.layers = description.layers.map((layer) => new LiveLayer(layer,
        layer.parameters.map((count) => parameters.slice(used, used += count))));
      this.lossLayer = this.layers.at(-1);
      this.lossLayer.label = 0;
    }

    inputOf(index) { return index === 0 ? this.input : this.layers[index - 1].values; }
    get scores() { return this.inputOf(this.layers.length - 1); }
    get probabilities() { return this.lossLayer.probabilities; }
    /** The label's, for a reader: one that is almost 1 by what it lacks. */
    get probabilityText() {
      const rest = this.probabilities.reduce((sum, p, c) => sum + (c === this.label ? 0 : p), 0);
      return rest < 1e-3 ? `(1 − ${digits(rest)})` : digits(this.probabilities[this.label]);
    }
    get loss() { return this.lossLayer.values[0]; }
    set label(label) { this.lossLayer.label = label; }
    get label() { return this.lossLayer.label; }

    /** Runs the layers from one on. */
    forward(first = 0) {
      for (let index = first; index < this.layers.length; index++) {
        const layer = this.layers[index];
        if (layer.isSkipped) layer.values.set(this.inputOf(index));
        else operations[layer.type].forward(layer, this.inputOf(index), layer.values);
        layer.mute(layer.values);
      }
    }

    /**
     * Leaves the gradient of the loss, or of one class's score, in every layer and in `inputGradient`:
     * `gradient` is by a layer's output.
     */
    backward(score) {
      const last = this.layers.length - (score === undefined ? 1 : 2);
      for (const layer of this.layers) {
        for (const tensor of [layer.gradient, layer.weightGradient, layer.biasGradient]) tensor.fill(0);
      }
      this.inputGradient.fill(0);
      this.layers[last].gradient[score ?? 0] = 1;
      for (let index = last; index >= 0; index--) {
        const layer = this.layers[index];
        layer.mute(layer.gradient);
        const below = index === 0 ? this.inputGradient : this.layers[index - 1].gradient;
        if (layer.isSkipped) below.set(layer.gradient);
        else {
          operations[layer.type].backward(
            layer, this.inputOf(index), layer.values, layer.gradient, below);
        }
      }
    }

    /** The rows and columns of the picture that a value of a layer depends on: first and end of each. */
    field(index, row, column) {
      let [rows, columns] = [[row, row + 1], [column, column + 1]];
      for (let i = index; i >= 0; i--) {
        const { type, kernel, stride, pad, input } = this.layers[i];
        if (kernel) {
          const reach = ([first, end], extent) => [
            Math.max(first * stride - pad, 0), Math.min((end - 1) * stride - pad + kernel, extent)];
          [rows, columns] = [reach(rows, input[1]), reach(columns, input[2])];
        } else if (type === "InnerProduct" || type === "SoftmaxWithLoss") {
          [rows, columns] = [[0, input[1]], [0, input[2]]];
        }
      }
      return { rows, columns };
    }
  }

  const forward = (layer, x, y) => operations[layer.type].forward(layer, x, y);
  return { LiveNetwork, forward, sizeOf, bytesOf, floatsOf };
})();
