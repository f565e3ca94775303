package io.tandem.worker.train;

import java.util.Map;

/**
 * Where a rank's time went since it last told.
 *
 * @param rank in the mesh
 * @param steps done
 * @param stepSeconds in training steps; evaluations and checkpoints are not in it
 * @param waitSeconds of those, waiting for other ranks
 * @param phaseSeconds by phase, as {@code Progress} names them; also what is between steps
 * @param peerSeconds by rank, waiting for it, in steps and between them
 */
public record RankTimes(
    int rank,
    long steps,
    double stepSeconds,
    double waitSeconds,
    Map<String, Double> phaseSeconds,
    Map<Integer, Double> peerSeconds) {
  public RankTimes {
    phaseSeconds = Map.copyOf(phaseSeconds);
    peerSeconds = Map.copyOf(peerSeconds);
  }
}
