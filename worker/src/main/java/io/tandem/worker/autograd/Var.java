package io.tandem.worker.autograd;

import io.tandem.worker.engine.Engine;
import io.tandem.worker.engine.Tensor;

/**
 * A local tensor with a placement, and the gradient of the loss with respect to it. Its memory goes
 * back to the engine as soon as nobody needs it: the forward pass {@linkplain #release releases}
 * it, and operations that need it for their backward {@linkplain #save save} it until then.
 */
public final class Var {
  private final Tensor value;
  private final Placement placement;
  private final boolean constant;
  private Tensor gradient;
  private int saves;
  private boolean released;

  public Var(Tensor value, Placement placement) {
    this(value, placement, false);
  }

  private Var(Tensor value, Placement placement, boolean constant) {
    this.value = value;
    this.placement = placement;
    this.constant = constant;
  }

  /** Input data: nobody asks for its gradient. */
  public static Var constant(Tensor value, Placement placement) {
    return new Var(value, placement, true);
  }

  /** Whether nobody asks for the gradient. */
  public boolean isConstant() {
    return constant;
  }

  /** The local part. */
  public Tensor value() {
    return value;
  }

  /** How the whole lies on the shard axis. */
  public Placement placement() {
    return placement;
  }

  /** The forward pass has no further use of the value. */
  public void release() {
    released = true;
    closeIfUnused();
  }

  /** A backward will need the value. */
  public Var save() {
    saves++;
    return this;
  }

  /** The backward that saved the value is done with it. */
  public void unsave() {
    saves--;
    closeIfUnused();
  }

  private void closeIfUnused() {
    if (released && saves == 0) {
      value.close();
    }
  }

  /** Adds to the gradient; takes ownership of g. */
  public void accumulate(Engine engine, Tensor g) {
    if (gradient == null) {
      gradient = g;
    } else {
      engine.addScaled(gradient, 1, g);
      g.close();
    }
  }

  /** The gradient, now owned by the caller; null when nothing flowed here. */
  public Tensor takeGradient() {
    Tensor g = gradient;
    gradient = null;
    return g;
  }
}
