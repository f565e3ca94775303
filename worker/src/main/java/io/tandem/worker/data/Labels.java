package io.tandem.worker.data;

/** Checks labels against the job's number of classes. */
final class Labels {
  private Labels() {}

  static int checked(int label, int classes, String where) {
    if (label < 0 || label >= classes) {
      throw new DataException(
          where
              + " is "
              + label
              + ", allowed are 0.."
              + (classes - 1)
              + " (data.classes is "
              + classes
              + "); change data.classes or the label");
    }
    return label;
  }
}
