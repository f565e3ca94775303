package io.tandem.worker.train;

import io.tandem.protocol.control.Evaluated;
import io.tandem.protocol.control.Outcome;
import io.tandem.protocol.control.Progress;
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
import io.tandem.worker.model.ModelDefinition;
import io.tandem.worker.model.Models;
import io.tandem.worker.parallel.Network;
import io.tandem.worker.parallel.PhaseClock.Phase;
import io.tandem.worker.parallel.ShardContext;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** The loop of one rank: batches in, updates, evaluations, checkpoints, until the last step. */
final class RankTrainer implements AutoCloseable {
  private static final String SEED = "random.seed";

  /** A checkpoint's scalar: seconds in the steps that led to it. */
  static final String TRAINED = "trained.seconds";

  private final ShardContext context;
  private final JobSpec job;
  private final TrainingData data;
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
  private final CheckpointWriter checkpoints;
  private final Samples samples;
  private final AttemptLog log;
  private final StepMeter meter;
  private double trainedBefore;
  private long committedStep = -1;
  private long begunStep;
  private long reportedStep;
  private long reportedNanos = System.nanoTime();

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
    this.data = data;
    this.stop = stop;
    this.listener = listener;
    this.leader = meter.rank() == 0;
    AlgorithmSpec algorithm = job.algorithm();
    boolean meta = algorithm.name() == AlgorithmSpec.Name.META_PSEUDO_LABELS;
    this.learners = learners(context, job);
    this.main =
        meta
            ? new MetaPseudoLabelsStep(context, job, learners.get(0), learners.get(1))
            : SupervisedStep.main(context, job, learners.get(0));
    this.mainSteps = job.training().steps();
    int tune = meta ? algorithm.fineTune().steps() : 0;
    this.totalSteps = mainSteps + tune;
    this.log = log;
    this.checkpoints = new CheckpointWriter(context, plan, listener, log);
    start.ifPresent(this::restore);
    agreeOnStart();
    var mesh = plan.roster().mesh();
    this.samples = new Samples(data, job.evaluation().batch(), mesh.replicas());
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
  }

  /** The teacher (or only model), then the student. */
  static List<Learner> learners(ShardContext context, JobSpec job) {
    ModelDefinition definition = Models.of(job.model(), job.data());
    Learner teacher = learner(context, job, definition, 0);
    return job.algorithm().name() == AlgorithmSpec.Name.META_PSEUDO_LABELS
        ? List.of(teacher, learner(context, job, definition, 1))
        : List.of(teacher);
  }

  private static Learner learner(
      ShardContext context, JobSpec job, ModelDefinition definition, int id) {
    Network network =
        new Network(
            context,
            definition,
            job.model().batchNormMomentum(),
            job.model().minimumStrip(),
            job.seed(),
            id);
    var spec = id == 0 ? job.training().teacher() : job.training().student();
    return new Learner(context, network, spec, job.training().ema());
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
    reportedNanos = System.nanoTime();
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
      StopMode mode = agreeOnStop();
      boolean last = step == totalSteps || step == mainSteps;
      boolean evaluate = job.evaluation().every() > 0 && step % job.evaluation().every() == 0;
      if (last || (evaluate && mode == StopMode.STOP_UNSPECIFIED)) {
        evaluate();
      }
      report(values, last || mode != StopMode.STOP_UNSPECIFIED);
      boolean due = job.checkpoint().every() > 0 && step % job.checkpoint().every() == 0;
      if (mode == StopMode.CHECKPOINT_AND_STOP
          || (mode == StopMode.STOP_UNSPECIFIED && (due || step == totalSteps))) {
        commit();
      }
      if (mode != StopMode.STOP_UNSPECIFIED) {
        return new End(Outcome.STOPPED, step);
      }
    }
    if (committedStep != step) {
      // On all ranks alike. Tried again from the last commit, when there may be room.
      throw new UncheckedIOException(
          new CheckpointException(
              checkpoints.root(),
              "the training is done, but its last checkpoint was not written; make room there"));
    }
    return new End(Outcome.COMPLETED, step);
  }

  private void commit() {
    Map<String, Long> counters = new LinkedHashMap<>();
    // Randomness and the data's position are functions of these two, whatever the mesh.
    counters.put(SEED, job.seed());
    counters.put("data.step", step);
    for (int m = 0; m < learners.size(); m++) {
      counters.put("updates." + Snapshot.model(m), learners.get(m).updates());
    }
    Map<String, Double> scalars = new LinkedHashMap<>();
    scalars.put(TRAINED, trainedSeconds());
    if (main instanceof MetaPseudoLabelsStep meta) {
      scalars.put("feedback.baseline", meta.feedback().baseline());
    }
    if (checkpoints.commit(learners, step, counters, scalars)) {
      committedStep = step;
    }
  }

  private void restore(CheckpointReader reader) {
    try {
      Manifest.Facts facts = reader.manifest().facts();
      if (!Long.valueOf(job.seed()).equals(facts.counters().get(SEED))) {
        throw new CheckpointException(
            reader.directory(),
            "was written with seed " + facts.counters().get(SEED) + ", the job's is " + job.seed());
      }
      if (leader) {
        log.info("goes on from " + reader.directory());
      }
      Snapshot.read(context, learners, reader);
      for (int m = 0; m < learners.size(); m++) {
        learners.get(m).updates(facts.counters().get("updates." + Snapshot.model(m)));
      }
      if (main instanceof MetaPseudoLabelsStep meta) {
        meta.feedback().baseline(facts.scalars().get("feedback.baseline"));
      }
      trainedBefore = facts.scalars().getOrDefault(TRAINED, 0.0);
      step = facts.step();
      begunStep = step;
      committedStep = step;
      reportedStep = step;
    } catch (CheckpointException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Workers that found different checkpoints whole must not train together. */
  private void agreeOnStart() {
    double ranks = context.world().size();
    double[] sums = Learner.sum(context.world(), new double[] {step, (double) step * step});
    if (sums[0] != ranks * step || sums[1] != ranks * step * step) {
      throw new IllegalStateException(
          "rank "
              + context.world().index()
              + " would resume at step "
              + step
              + ", the mean of all ranks is "
              + sums[0] / ranks
              + ": do all workers see the same checkpoint directory?");
    }
  }

  /** The exported model of the last commit; called by rank 0 at the end. */
  Path export() throws CheckpointException {
    return checkpoints.export(step, Snapshot.model(learners.size() - 1));
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

  /** Every rank learns what any was told, in the same step; the gentlest wish counts. */
  private StopMode agreeOnStop() {
    StopMode own = stop.get();
    double[] wishes =
        Learner.sum(
            context.world(),
            new double[] {
              own == StopMode.CHECKPOINT_AND_STOP ? 1 : 0, own == StopMode.CANCEL ? 1 : 0
            });
    return wishes[1] > 0
        ? StopMode.CANCEL
        : wishes[0] > 0 ? StopMode.CHECKPOINT_AND_STOP : StopMode.STOP_UNSPECIFIED;
  }

  private void evaluate() {
    Map<String, Double> values = new LinkedHashMap<>();
    Opinions teacher = null;
    if (learners.size() == 2) {
      teacher = opinions();
      values.put("accuracy.teacher", accuracy(learners.get(0), teacher));
    }
    Opinions student = opinions();
    values.put("accuracy.test", accuracy(main.result(), student));
    if (leader) {
      log.info("step " + step + ": " + values);
      listener.evaluated(
          Evaluated.newBuilder()
              .setStep(step)
              .putAllValues(values)
              .addAllSamples(samples.told(student, teacher))
              .build());
    }
  }

  private double accuracy(Learner learner, Opinions opinions) {
    return Evaluation.accuracy(context, job, mainLoader, learner, data.testCount(), opinions);
  }

  private Opinions opinions() {
    return leader ? samples.opinions() : new Opinions(Set.of());
  }

  private void report(Map<String, Double> values, boolean force) {
    long now = System.nanoTime();
    double seconds = (now - reportedNanos) / 1e9;
    boolean first = reportedStep == begunStep;
    if (!leader || (!force && !first && seconds < 1) || step == reportedStep) {
      return;
    }
    double steps = step - reportedStep;
    int images =
        step > mainSteps
            ? job.algorithm().fineTune().batch()
            : job.training().labeledBatch() + job.training().unlabeledBatch();
    Progress.Builder progress =
        Progress.newBuilder()
            .setStep(step)
            .setTotalSteps(totalSteps)
            .setStepsPerSecond(steps / seconds)
            .setImagesPerSecond(images * steps / seconds)
            .putAllValues(values)
            .setPhase(step > mainSteps ? "fine-tune" : "train");
    meter.drainPhases().forEach((phase, s) -> progress.putPhaseSeconds(phase, s / steps));
    listener.progress(progress.build());
    reportedNanos = now;
    reportedStep = step;
  }

  @Override
  public void close() {
    mainLoader.close();
    tuneLoader.close();
    learners.forEach(Learner::close);
  }
}
