package io.tandem.protocol.job;

/**
 * A training job as its user writes it: what to train, on what, how, and on how many ranks.
 * Immutable; every component is non-null after {@link JobFiles} has read it (defaults filled in).
 *
 * @param name what people call the job; letters, digits, '-', '_' and '.', at most 63
 * @param seed the only source of randomness: samples, augmentation, initial weights, labels,
 *     dropout
 * @param mesh replicas x shards
 * @param pool the workers that may host the job: those of the pool of that name, or of any one pool
 *     where it is empty
 * @param data where the images are and how they are read
 * @param model the architecture of the teacher and the student
 * @param algorithm what is computed in a step
 * @param training how long, how large, which optimizer
 * @param evaluation when the test set is looked at
 * @param checkpoint when and how many
 * @param recovery what happens when a worker is lost
 */
public record JobSpec(
    String name,
    long seed,
    MeshSpec mesh,
    String pool,
    DataSpec data,
    ModelSpec model,
    AlgorithmSpec algorithm,
    TrainingSpec training,
    EvaluationSpec evaluation,
    CheckpointSpec checkpoint,
    RecoverySpec recovery) {}
