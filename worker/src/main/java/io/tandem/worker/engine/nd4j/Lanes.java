package io.tandem.worker.engine.nd4j;

/**
 * The innermost loops, one class an element type. They run on short heap arrays that fit the
 * processor's cache: the compiler turns loops over such arrays into vector instructions, which it
 * does not do for loops over native memory, nor for arrays that are read at different offsets (they
 * might overlap): so every array of a loop is read at the same index, and the coefficients of
 * channels are repeated as often as they occur in a tile.
 *
 * @param <A> float[] or double[]
 */
interface Lanes<A> {
  A array(int n);

  /** x[from, +n) of the flattened tensor to into[0, n). */
  void load(Nd4jTensor x, long from, A into, int n);

  /** values[0, n) to x[to, +n). */
  void store(A values, Nd4jTensor x, long to, int n);

  /** As {@link #load}, converted. */
  void read(Nd4jTensor x, long from, double[] into, int n);

  /** As {@link #store}, converted. */
  void write(double[] values, Nd4jTensor x, long to, int n);

  void readFloats(Nd4jTensor x, float[] into, int offset);

  void writeFloats(float[] values, Nd4jTensor x);

  void fill(Nd4jTensor x, double value);

  /** The nearest value of this type. */
  double rounded(double value);

  /** The values, repeated up to {@code width}. */
  A tiled(double[] perChannel, int width);

  /** into[c] = the sum of tile[c], tile[C + c], ...; tile becomes zero. */
  void fold(A tile, double[] into);

  /** s1 += d and s2 += d * d for d = x - shift. */
  void deviations(A x, int n, A shift, A s1, A s2);

  /** s1 += dz and s2 += dz * (x - mean) for dz = dy * activation'(x * scale + shift). */
  void products(A dy, A x, int n, A scale, A shift, double negativeSlope, A mean, A s1, A s2);

  /** x = activation(x * scale + shift). */
  void affine(A x, int n, A scale, A shift, double negativeSlope);

  /** dy = dz * a + x * b + c for dz = dy * activation'(x * scale + shift). */
  void combine(A dy, A x, int n, A scale, A shift, double negativeSlope, A a, A b, A c);

  /** dy = dy * (y > 0 ? 1 : negativeSlope). */
  void activationBackward(A dy, A y, int n, double negativeSlope);

  /** y += x: also how a tile is added to its sums. */
  void add(A y, A x, int n);

  /** y += alpha * x. */
  void axpy(A y, A x, int n, double alpha);

  /** y = decay * y + (1 - decay) * x. */
  void average(A y, A x, int n, double decay);

  /** y *= x. */
  void multiply(A y, A x, int n);

  /** x *= alpha. */
  void scale(A x, int n, double alpha);

  /** v = momentum * v + g' and w -= rate * (nesterov ? g' + momentum * v : v), g' = g + decay w. */
  void momentum(A w, A g, A v, int n, double rate, double momentum, boolean nesterov, double decay);

  /** The sum of a * b, in float64. */
  double dot(A a, A b, int n);
}
