package io.tandem.protocol.job;

import java.io.StringReader;
import java.util.HashMap;
import java.util.Map;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;

/** On which line of a job file its keys stand, to show mistakes where they are. Immutable. */
public final class JobLines {
  private final Map<String, Integer> lines = new HashMap<>();
  private int broken;

  private JobLines() {}

  /** Reads the lines of YAML or JSON, as far as it can be read; never throws. */
  public static JobLines of(byte[] yamlOrJson) {
    JobLines found = new JobLines();
    if (yamlOrJson.length > JobFiles.MAXIMUM_BYTES) {
      return found;
    }
    try {
      var text = JobTree.decoded(yamlOrJson);
      var root = new Yaml(JobTree.loaderOptions()).compose(new StringReader(text));
      if (root != null) {
        found.walk("", root);
      }
    } catch (MarkedYAMLException e) {
      var mark = e.getProblemMark();
      found.broken = mark == null ? 0 : mark.getLine() + 1;
    } catch (YAMLException | JobFileException e) {
      return found; // Whoever reads the job says what is wrong; there is just no line to it.
    }
    return found;
  }

  /**
   * The line of a {@link Mistake#path}, from 1: the key's own, or that of the section in which it
   * is missing. For the empty path the line on which the text itself is broken. 0 when not known.
   */
  public int line(String path) {
    for (var at = path; !at.isEmpty(); at = parent(at)) {
      var line = lines.get(at);
      if (line != null) {
        return line;
      }
    }
    return path.isEmpty() ? broken : 0;
  }

  private static String parent(String path) {
    return path.substring(0, Math.max(0, Math.max(path.lastIndexOf('.'), path.lastIndexOf('['))));
  }

  private void walk(String path, Node node) {
    if (node instanceof MappingNode mapping) {
      for (NodeTuple tuple : mapping.getValue()) {
        if (tuple.getKeyNode() instanceof ScalarNode key) {
          var line = key.getStartMark().getLine() + 1;
          var child = JobValues.joined(path, key.getValue());
          if (lines.putIfAbsent(child, line) != null && broken == 0) {
            broken = line; // A key twice.
          }
          walk(child, tuple.getValueNode());
        }
      }
    } else if (node instanceof SequenceNode sequence) {
      for (int i = 0; i < sequence.getValue().size(); i++) {
        var element = sequence.getValue().get(i);
        var child = path + "[" + i + "]";
        lines.put(child, element.getStartMark().getLine() + 1);
        walk(child, element);
      }
    }
  }
}
