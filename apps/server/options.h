/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the command line of polyether-server. */
#pragma once

#include "core/base/log.h"

#include <glib.h>

#include <stdbool.h>

struct options {
    char *state;  /* folder; owned */
    char *socket; /* path; owned */
    unsigned workers;
    enum log_level log_level;
    bool journal;
    GArray *listen; /* of uint16_t: instead of the stored listeners; NULL: the stored ones */
};

enum options_verdict {
    OPTIONS_RUN,
    OPTIONS_DONE /* --help, --version */,
    OPTIONS_BAD /* said why on stderr */
};

/* Finds defaults for what is not given. */
enum options_verdict options_parse(int argc, char **argv, struct options *out);
void options_clear(struct options *o);
