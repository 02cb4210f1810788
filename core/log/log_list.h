/* SPDX-License-Identifier: Apache-2.0 */
/* log_list.h - the log files of a server, as they may be listed and read from afar. */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LIST_MAX = 20000, LOG_LIST_PIECE = 256 * 1024 };

struct log_entry {
    char *path; /* under the folder: "server.log", "hub/OFFICE/packet-20261124T235959Z.log.gz" */
    uint64_t size;
    int64_t changed_ms;
};

/* Element free function set; sorted by path. What is no log is not in it. */
GArray *log_list(const char *folder);
/* A piece, up to LOG_LIST_PIECE bytes from an offset; empty at the end. Only what the list has:
 * NULL when there is no such log, whatever the path. */
GByteArray *log_list_read(const char *folder, const char *path, uint64_t offset);

/* Where the logs of a hub are, under the folder: "hub/OFFICE". g_free. A name that is no name of a
 * folder is made one. */
char *log_hub_folder(const char *hub);
/* Whether a path of the list is of that hub. */
bool log_is_of_hub(const char *path, const char *hub);
