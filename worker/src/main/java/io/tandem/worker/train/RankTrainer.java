package io.tandem.worker.train;

import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.StopMode;
import io.tandem.protocol.job.AlgorithmSpec;
import io.tandem.protocol.job.JobSpec;
import io.tandem.worker.checkpoint.CheckpointException;
import io.tandem.worker.checkpoint.CheckpointReader;
import io.tandem.worker.checkpoint.Manifest;
import io.tandem.worker.data.Batch;
import io.tandem.worker.data.BatchLoader;
import io.tandem.worker.data.BatchPlan;
import io.tandem.worker.data.Needs;
import io.tandem.worker.data.TrainingData;
import io.tandem.worker.parallel.PhaseClock.Phase;
import io.tandem.worker.parallel.ShardContext;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** The loop of one rank: batches in, updates, evaluations, checkpoints, until the last step. */
final class RankTrainer implements AutoCloseable {
  private final ShardContext context;
  private final JobSpec job;
  private final Supplier<StopMode> stop;
  private final AttemptListener listener;
  private final boolean leader;
  private final List<Learner> learners;
  private final TrainingStep main;
  private final BatchLoader mainLoader;
  private final BatchLoader tuneLoader;
  private final int mainSteps;
  private final int totalSteps;
  private volatile long step;
  private final Commits commits;
  private final TestAccuracy test;
  private final ProgressReports progress;
  private final AttemptLog log;
  private final StepMeter meter;
  private double trainedBefore;

  /** Where a stopped loop stands. */
  record End(Outcome outcome, long step) {}

  RankTrainer(
      ShardContext context,
      AttemptPlan plan,
      TrainingData data,
      Supplier<StopMode> stop,
      AttemptListener listener,
      AttemptLog log,
      StepMeter meter,
      Optional<CheckpointReader> start) {
    this.context = context;
    this.meter = meter;
    this.job = plan.job();
    this.stop = stop;
    this.listener = listener;
    this.leader = meter.rank() == 0;
    AlgorithmSpec algorithm = job.algorithm();
    boolean meta = algorithm.name() == AlgorithmSpec.Name.META_PSEUDO_LABELS;
    this.learners = Learners.of(context, job);
    this.main =
        meta
            ? new MetaPseudoLabelsStep(context, job, learners.get(0), learners.get(1))
            : SupervisedStep.main(context, job, learners.get(0));
    this.mainSteps = job.training().steps();
    int tune = meta ? algorithm.fineTune().steps() : 0;
    this.totalSteps = mainSteps + tune;
    this.log = log;
    this.commits =
        new Commits(
            context, job, learners, main, new CheckpointWriter(context, plan, listener, log));
    start.ifPresent(this::restore);
    Agreement.onStart(context, step);
    this.progress = new ProgressReports(job, mainSteps, totalSteps, meter, listener);
    var mesh = plan.roster().mesh();
    Needs needs = Needs.of(algorithm.name());
    this.mainLoader =
        new BatchLoader(
            data,
            data.plan(
                BatchPlan.Phase.MAIN,
                job.training().labeledBatch(),
                needs.unlabeledWeak() ? job.training().unlabeledBatch() : 0),
            needs,
            mesh,
            mesh.rank(meter.rank()));
    this.tuneLoader =
        new BatchLoader(
            data,
            data.plan(BatchPlan.Phase.FINE_TUNE, algorithm.fineTune().batch(), 0),
            Needs.of(AlgorithmSpec.Name.SUPERVISED),
            mesh,
            mesh.rank(meter.rank()));
    this.test = new TestAccuracy(context, job, data, mainLoader, learners, main.result());
  }

  /** The last whole step's number, that is how many steps are done. */
  long step() {
    return step;
  }

  /** Seconds in the steps that led here, those of earlier attempts too; none counts twice. */
  double trainedSeconds() {
    return trainedBefore + meter.stepSeconds();
  }

  /** Runs until the end or until all ranks agree to stop. */
  End run() {
    progress.begin(step);
    try {
      return train();
    } finally {
      meter.tell();
    }
  }

  private End train() {
    TrainingStep tune = null;
    while (step < totalSteps) {
      if (stop.get() == StopMode.ABANDON) {
        return new End(Outcome.STOPPED, step); // without a word to the others, who are told too
      }
      boolean fineTune = step >= mainSteps;
      if (fineTune && tune == null) {
        tune = beginFineTune();
      }
      Map<String, Double> values = fineTune ? tuneStep(tune) : mainStep();
      step++;
      StopMode mode = Agreement.onStop(context, stop.get());
      boolean last = step == totalSteps || step == mainSteps;
      boolean evaluate = job.evaluation().every() > 0 && step % job.evaluation().every() == 0;
      if (last || (evaluate && mode == StopMode.STOP_UNSPECIFIED)) {
        test.evaluate(step, leader, listener, log);
      }
      if (leader) {
        progress.report(step, values, last || mode != StopMode.STOP_UNSPECIFIED);
      }
      boolean due = job.checkpoint().every() > 0 && step % job.checkpoint().every() == 0;
      if (mode == StopMode.CHECKPOINT_AND_STOP
          || (mode == StopMode.STOP_UNSPECIFIED && (due || step == totalSteps))) {
        commits.commit(step, trainedSeconds());
      }
      if (mode != StopMode.STOP_UNSPECIFIED) {
        return new End(Outcome.STOPPED, step);
      }
    }
    commits.checkCommitted(step);
    return new End(Outcome.COMPLETED, step);
  }

  private void restore(CheckpointReader reader) {
    Manifest.Facts facts = commits.restore(reader);
    if (leader) {
      log.info("goes on from " + reader.directory());
    }
    trainedBefore = facts.scalars().getOrDefault(Commits.TRAINED, 0.0);
    step = facts.step();
  }

  /** The exported model of the last commit; called by rank 0 at the end. */
  Path export() throws CheckpointException {
    return commits.export(step);
  }

  /** One step of the main phase and nothing else, for proofs and measurements. */
  Map<String, Double> advance() {
    Map<String, Double> values = mainStep();
    step++;
    return values;
  }

  /** Looks at the batch of the next step without taking it. */
  <T> T peek(Function<StepBatch, T> look) {
    Batch batch = mainLoader.next(step);
    try (var scope = context.engine().openScope()) {
      return look.apply(
          StepBatches.upload(
              context,
              job,
              Needs.of(job.algorithm().name()),
              batch,
              job.training().labeledBatch(),
              job.training().unlabeledBatch()));
    }
  }

  /** The teacher (or only model), then the student. */
  List<Learner> learners() {
    return learners;
  }

  private Map<String, Double> mainStep() {
    int labeled = job.training().labeledBatch();
    return step(
        mainLoader,
        main,
        step,
        labeled,
        job.training().unlabeledBatch(),
        Needs.of(job.algorithm().name()));
  }

  private Map<String, Double> tuneStep(TrainingStep tune) {
    return step(
        tuneLoader,
        tune,
        step - mainSteps,
        job.algorithm().fineTune().batch(),
        0,
        Needs.of(AlgorithmSpec.Name.SUPERVISED));
  }

  private Map<String, Double> step(
      BatchLoader loader, TrainingStep training, long at, int labeled, int unlabeled, Needs needs) {
    meter.begin();
    Phase before = context.phases().enter(Phase.DATA_WAIT);
    Batch batch = loader.next(at);
    context.phases().enter(before);
    Map<String, Double> values;
    try (var scope = context.engine().openScope()) {
      values = training.run(StepBatches.upload(context, job, needs, batch, labeled, unlabeled));
    }
    meter.end();
    return values;
  }

  /** The student goes on from its averaged weights, without momentum. */
  private TrainingStep beginFineTune() {
    Learner student = main.result();
    if (step == mainSteps) {
      context.engine().copy(student.average(), student.network().parameters().weights());
      context.engine().fill(student.velocity(), 0);
    }
    return SupervisedStep.fineTune(context, job, student);
  }

  @Override
  public void close() {
    mainLoader.close();
    tuneLoader.close();
    learners.forEach(Learner::close);
  }
}
