package io.tandem.protocol.mesh;

import java.util.List;

/**
 * Who takes part in one attempt.
 *
 * @param jobId the job
 * @param attempt its number, from 1; carried by every frame
 * @param mesh the grid
 * @param members one for every rank, in the order of their indices
 */
public record Roster(String jobId, int attempt, Mesh mesh, List<Member> members) {
  public Roster {
    members = List.copyOf(members);
    if (members.size() != mesh.size()) {
      throw new IllegalArgumentException(
          "roster of " + members.size() + " members for a mesh of " + mesh.size() + " ranks");
    }
    for (int i = 0; i < members.size(); i++) {
      if (members.get(i).rank() != i) {
        throw new IllegalArgumentException("member " + i + " has rank " + members.get(i).rank());
      }
    }
  }
}
