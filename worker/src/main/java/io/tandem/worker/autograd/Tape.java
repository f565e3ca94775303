package io.tandem.worker.autograd;

import java.util.ArrayDeque;
import java.util.Deque;

/** The backwards of a forward pass, run in reverse once. Used by one rank's thread. */
public final class Tape {
  private final Deque<Runnable> backwards = new ArrayDeque<>();

  /** Remembers the backward of an operation just made. */
  public void record(Runnable backward) {
    backwards.push(backward);
  }

  /** Runs all backwards, the last operation's first, and forgets them. */
  public void backward() {
    while (!backwards.isEmpty()) {
      backwards.pop().run();
    }
  }
}
