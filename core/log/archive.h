/* SPDX-License-Identifier: Apache-2.0 */
/* archive.h - what was switched away from a log: compressed a piece at a time, and deleted when it
 * is too old or too much. One thread, as its log_file. */
#pragma once

#include "core/log/log_file.h"

#include <stdbool.h>
#include <stdint.h>

struct archive;

struct archive *archive_new(const char *folder, const char *name);
void archive_free(struct archive *a);
/* Deletes what the rules do not keep, and finds what there is to compress. */
void archive_tidy(struct archive *a, const struct log_rules *rules, int64_t now_ms);
/* A piece of work. False: there is none. */
bool archive_compress(struct archive *a, bool wanted);
