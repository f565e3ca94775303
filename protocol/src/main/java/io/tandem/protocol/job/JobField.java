package io.tandem.protocol.job;

import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * What is allowed at one path of a job file. Its type is that of the record's component.
 *
 * @param path keys joined by dots
 * @param range of a number, or of every number of a list
 * @param pattern of a text, or of every text of a list; null allows all
 * @param standard the default in the reader's types, null where {@code derived} or required
 * @param derived the default from other values (null where these are missing), or null
 * @param derivation says in words what {@code derived} does
 */
record JobField(
    String path,
    Range range,
    Pattern pattern,
    Object standard,
    Function<JobValues, Object> derived,
    String derivation) {

  /** An interval; its ends belong to it unless open. */
  record Range(double least, boolean leastOpen, double most, boolean mostOpen) {
    static final Range ALL =
        new Range(Double.NEGATIVE_INFINITY, true, Double.POSITIVE_INFINITY, true);

    boolean contains(double value) {
      return (leastOpen ? value > least : value >= least)
          && (mostOpen ? value < most : value <= most);
    }

    String text(boolean integral) {
      if (equals(ALL)) {
        return "any";
      }
      var from = (leastOpen ? "above " : "from ") + number(least, integral);
      return most == Double.POSITIVE_INFINITY
          ? from
          : from
              + (leastOpen ? ", up to " : " to ")
              + (mostOpen ? "below " : "")
              + number(most, integral);
    }

    private static String number(double value, boolean integral) {
      return integral || value == Math.rint(value) ? Long.toString((long) value) : "" + value;
    }
  }

  boolean required() {
    return standard == null && derived == null;
  }
}
