package io.tandem.coordinator.rest;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.tandem.protocol.control.Remesh;
import io.tandem.protocol.job.JobFileException;
import io.tandem.protocol.job.JobFiles;
import io.tandem.protocol.job.JobSpec;
import io.tandem.protocol.job.Mistake;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Reads the body of a resume: {@code {"mesh": {"replicas": 2, "shards": 4}}}, or nothing. */
final class Remeshing {
  private Remeshing() {}

  /**
   * The job on the mesh that the body names, checked as a whole; null for an empty body.
   *
   * @param job the job file as canonical JSON
   * @throws Problem with all the mistakes
   */
  static Remesh read(byte[] body, Supplier<String> job) {
    if (body.length == 0) {
      return null;
    }
    JsonNode given = parsed(body);
    List<Mistake> mistakes = new ArrayList<>();
    given
        .fieldNames()
        .forEachRemaining(
            key -> {
              if (!key.equals("mesh")) {
                mistakes.add(new Mistake(key, "an unknown key", "mesh"));
              }
            });
    if (!given.isObject()) {
      mistakes.add(new Mistake("mesh", given.toString(), "an object with the key mesh"));
    }
    JsonNode mesh = given.path("mesh");
    for (String axis : List.of("replicas", "shards")) {
      if (mesh.path(axis).isMissingNode()) {
        mistakes.add(new Mistake("mesh." + axis, "nothing", "a whole number from 1 to 1024"));
      }
    }
    if (!mistakes.isEmpty()) {
      throw bad(mistakes);
    }
    try {
      ObjectNode tree = (ObjectNode) Replies.JSON.readTree(job.get());
      tree.set("mesh", mesh);
      JobSpec spec = JobFiles.parse(Replies.JSON.writeValueAsBytes(tree));
      String json = new String(JobFiles.toJson(spec), StandardCharsets.UTF_8);
      return Remesh.newBuilder()
          .setReplicas(spec.mesh().replicas())
          .setShards(spec.mesh().shards())
          .setJob(json)
          .build();
    } catch (JobFileException e) {
      throw bad(e.mistakes());
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("the store holds a broken job", e);
    }
  }

  private static JsonNode parsed(byte[] body) {
    try {
      return Replies.JSON.readTree(body);
    } catch (IOException e) {
      throw Problem.mistake("mesh", "a body that is no JSON", "{\"mesh\": {...}}, or no body");
    }
  }

  private static Problem bad(List<Mistake> mistakes) {
    return new Problem(
        400, "The job cannot go on like this", mistakes.get(0).toString(), List.copyOf(mistakes));
  }
}
