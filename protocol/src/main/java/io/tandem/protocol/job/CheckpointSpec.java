package io.tandem.protocol.job;

/**
 * When checkpoints are committed (always after the last step too).
 *
 * @param every steps between two checkpoints; 0 only at the end and on pause
 * @param keep how many of the newest are kept, at least 1
 * @param path directory that every worker sees; empty takes the workers' own setting
 */
public record CheckpointSpec(int every, int keep, String path) {}
