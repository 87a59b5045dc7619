#!/usr/bin/env bash
# Draws the samples of bench/soak.sh: one chart for each column, one line for each member.
#   bench/soak-plot.sh bench/results/soak.csv >bench/results/soak.svg
set -euo pipefail
export LC_ALL=C
[ -f "${1:-}" ] || { echo "usage: bench/soak-plot.sh SAMPLES" >&2; exit 1; }
awk -F, '
NR > 1 {
    if (!($1 in at)) { at[$1] = ++samples; seconds[samples] = $1 }
    value[samples, $2, 3] = $3; value[samples, $2, 4] = $4; value[samples, $2, 5] = $5; value[samples, $2, 6] = $6
    for (column = 3; column <= 6; column++) if ($column > top[column]) top[column] = $column
    if ($2 > members) members = $2
}
# The next of 1, 2, 5, 10, 20, … that leaves at most five steps.
function step_of(max,    step) {
    for (step = 1; max / step > 5; step *= (substr(step, 1, 1) == 2 ? 2.5 : 2)) ;
    return step
}
END {
    split(",,resident memory (MiB),disk use (MiB),open descriptors,threads", title, ",")
    split("#1f77b4 #d62728 #2ca02c", color, " ")
    width = 720; height = 170; left = 60; plot = width - left - 20
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", width, 4 * height + 30
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    last = seconds[samples]
    for (column = 3; column <= 6; column++) {
        y0 = (column - 3) * height + 30
        h = height - 55
        step = step_of(top[column])
        high = step * (int(top[column] / step) + 1)
        printf "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", left, y0 - 10, title[column]
        for (v = 0; v <= high; v += step) {
            y = y0 + h - v / high * h
            printf "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>", left, left + plot, y, y
            printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n", left - 6, y + 4, v
        }
        for (minute = 0; minute * 60 <= last; minute += 10)
            printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d min</text>\n", left + minute * 60 / last * plot, y0 + h + 15, minute
        for (member = 0; member <= members; member++) {
            printf "<polyline fill=\"none\" stroke=\"%s\" points=\"", color[member + 1]
            for (i = 1; i <= samples; i++)
                if ((i, member, column) in value)
                    printf "%.1f,%.1f ", left + seconds[i] / last * plot, y0 + h - value[i, member, column] / high * h
            print "\"/>"
        }
    }
    for (member = 0; member <= members; member++)
        printf "<text x=\"%d\" y=\"%d\" fill=\"%s\">member %d</text>\n", left + 90 * member, 4 * height + 15, color[member + 1], member
    print "</svg>"
}' "$1"
