package io.tandem.worker.parallel;

import io.tandem.worker.autograd.Split;
import io.tandem.worker.engine.Window;

/**
 * Which columns each shard needs for its strip of a window operation's output, and who owns them.
 * Integers only. Works for any kernel, stride and padding, for uneven strips, and for halos wider
 * than a strip (then several neighbours send).
 *
 * @param in how the input's columns are cut
 * @param out how the output's columns are cut
 * @param window the operation's; its column pads are those of the whole image
 */
public record HaloPlan(Split in, Split out, Window window) {
  /** The plan of a window operation over columns that are cut evenly. */
  public static HaloPlan of(int width, int shards, Window window) {
    return new HaloPlan(
        Split.even(width, shards), Split.even(window.outputWidth(width), shards), window);
  }

  /** First column (of the whole input) of shard s's assembled input. */
  public int needFrom(int s) {
    return blank(s) ? windowFrom(s) : Math.max(0, windowFrom(s));
  }

  /** One past the last column of shard s's assembled input. */
  public int needTo(int s) {
    return blank(s) ? windowTo(s) : Math.min(in.total(), windowTo(s));
  }

  /** Columns of shard s's assembled input. */
  public int needed(int s) {
    return needTo(s) - needFrom(s);
  }

  /** Whether shard s's windows see nothing but padding; its assembled input is then all zeros. */
  public boolean blank(int s) {
    return windowTo(s) <= 0 || windowFrom(s) >= in.total();
  }

  /** The operation on shard s's assembled input: only the image's own borders are padded. */
  public Window inner(int s) {
    return window.withColumnPads(needFrom(s) - windowFrom(s), windowTo(s) - needTo(s));
  }

  private int windowFrom(int s) {
    return out.start(s) * window.strideWidth() - window.padLeft();
  }

  private int windowTo(int s) {
    return (out.end(s) - 1) * window.strideWidth() - window.padLeft() + window.kernelWidth();
  }

  /** First column that owner sends to (or keeps for) shard s. */
  public int from(int owner, int s) {
    return Math.max(in.start(owner), needFrom(s));
  }

  /** How many columns owner sends to (or keeps for) shard s. */
  public int columns(int owner, int s) {
    return Math.max(0, Math.min(in.end(owner), needTo(s)) - from(owner, s));
  }

  /** Whether shard s's strip is exactly what it needs: nothing to assemble. */
  public boolean exact(int s) {
    return needFrom(s) == in.start(s) && needTo(s) == in.end(s);
  }
}
