package io.tandem.protocol.job;

/**
 * The grid of ranks.
 *
 * @param replicas R, data-parallel groups, at least 1
 * @param shards S, strips of every image and parts of every weight within a group, at least 1
 */
public record MeshSpec(int replicas, int shards) {}
