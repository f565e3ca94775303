package io.tandem.protocol.mesh;

/**
 * Who hosts a rank.
 *
 * @param rank index in the mesh
 * @param workerId the worker process
 * @param host the address its data plane is reached at
 * @param port its data plane's UDP port
 * @param driver names the media driver's directory and host; equal for workers that share a driver
 */
public record Member(int rank, String workerId, String host, int port, String driver) {}
