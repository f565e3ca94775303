package io.tandem.worker.node;

import io.tandem.protocol.control.AttemptEnded;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.worker.train.AttemptListener;
import io.tandem.worker.train.AttemptPlan;
import io.tandem.worker.train.AttemptRun;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** Attempts that do what the test says. */
final class FakeStarter implements AttemptRun.Starter {
  /** The worker itself fails when it asks how far this job is. */
  static final String BROKEN = "broken";

  /** One attempt. */
  record Run(AttemptPlan plan, AttemptListener listener, BlockingQueue<StopMode> stops)
      implements AttemptRun {
    @Override
    public void stop(StopMode mode) {
      stops.add(mode);
    }

    @Override
    public long step() {
      if (plan.roster().jobId().equals(BROKEN)) {
        throw new IllegalStateException("a broken attempt");
      }
      return 42;
    }

    void end(Outcome outcome) {
      listener.ended(AttemptEnded.newBuilder().setOutcome(outcome).build());
    }

    StopMode awaitStop() throws InterruptedException {
      StopMode mode = stops.poll(20, TimeUnit.SECONDS);
      if (mode == null) {
        throw new AssertionError("the attempt was never stopped");
      }
      return mode;
    }
  }

  private final BlockingQueue<Run> runs = new LinkedBlockingQueue<>();

  @Override
  public AttemptRun start(AttemptPlan plan, AttemptListener listener) {
    Run run = new Run(plan, listener, new LinkedBlockingQueue<>());
    runs.add(run);
    return run;
  }

  Run await() throws InterruptedException {
    Run run = runs.poll(20, TimeUnit.SECONDS);
    if (run == null) {
      throw new AssertionError("no attempt was started");
    }
    return run;
  }

  boolean idle() {
    return runs.isEmpty();
  }
}
