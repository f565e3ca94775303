package io.tandem.worker.model;

import java.util.List;

/**
 * A network as data.
 *
 * @param blocks run one after another; the weights of one block are gathered at a time
 * @param classes K, the length of a row of logits
 */
public record ModelDefinition(List<List<Layer>> blocks, int classes) {
  /** All parameters, in the order of their use. */
  public List<Parameter> parameters() {
    return blocks.stream().flatMap(block -> Parameter.of(block).stream()).toList();
  }

  /** Number of trainable values. */
  public long parameterCount() {
    return parameters().stream().mapToLong(p -> p.shape().elements()).sum();
  }
}
