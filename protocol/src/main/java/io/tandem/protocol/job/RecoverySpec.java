package io.tandem.protocol.job;

/**
 * What happens when a worker is lost.
 *
 * @param maximumRestarts attempts after the first before the job fails; an attempt that commits a
 *     checkpoint sets the count back to 0
 * @param peerTimeoutSeconds a rank that is silent for so long ends the attempt
 */
public record RecoverySpec(int maximumRestarts, double peerTimeoutSeconds) {}
