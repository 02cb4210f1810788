/* SPDX-License-Identifier: Apache-2.0 */
/* log_list.c - see log_list.h. */

#include "core/log/log_list.h"

#include "core/log/log_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH = 2 /* hub/NAME */ };

static void
entry_clear(gpointer data)
{
    struct log_entry *e = data;

    g_free(e->path);
}

static int
compare(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct log_entry *)a)->path, ((const struct log_entry *)b)->path);
}

/* at: under the folder, "" at its top. Links are not followed. */
static void
walk(GArray *all, const char *folder, const char *at, unsigned depth)
{
    g_autofree char *here = g_build_filename(folder, at, NULL);
    GDir *d = g_dir_open(here, 0, NULL);
    const char *name;

    while (d && all->len < LOG_LIST_MAX && (name = g_dir_read_name(d)) != NULL) {
        g_autofree char *path = at[0] ? g_strdup_printf("%s/%s", at, name) : g_strdup(name);
        g_autofree char *whole = g_build_filename(folder, path, NULL);
        struct stat st;
        if (lstat(whole, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH) {
            walk(all, folder, path, depth + 1);
        } else if (S_ISREG(st.st_mode) && log_file_is_name(name)) {
            struct log_entry e = {.path = g_steal_pointer(&path),
                                  .size = (uint64_t)st.st_size,
                                  .changed_ms = (int64_t)st.st_mtim.tv_sec * 1000};
            g_array_append_val(all, e);
        }
    }
    if (d)
        g_dir_close(d);
}

GArray *
log_list(const char *folder)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct log_entry));

    g_array_set_clear_func(all, entry_clear);
    walk(all, folder, "", 0);
    g_array_sort(all, compare);
    return all;
}

static bool
is_listed(const char *folder, const char *path)
{
    g_autoptr(GArray) all = log_list(folder);
    bool found = false;

    for (guint i = 0; i < all->len && !found; i++)
        found = strcmp(g_array_index(all, struct log_entry, i).path, path) == 0;
    return found;
}

GByteArray *
log_list_read(const char *folder, const char *path, uint64_t offset)
{
    if (offset > INT64_MAX - LOG_LIST_PIECE || !is_listed(folder, path))
        return NULL;
    g_autofree char *whole = g_build_filename(folder, path, NULL);
    int fd = open(whole, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    GByteArray *out = g_byte_array_new();
    g_byte_array_set_size(out, LOG_LIST_PIECE);
    ssize_t n = pread(fd, out->data, LOG_LIST_PIECE, (off_t)offset);
    (void)close(fd);
    g_byte_array_set_size(out, n > 0 ? (guint)n : 0);
    return out;
}

/* A hub's name has letters, digits, "-", "_", "." and spaces; with a dot at its start it would be a
 * hidden folder, or a way out. '%' is no hub's, so two hubs never have one folder. */
char *
log_hub_folder(const char *hub)
{
    g_autofree char *name = g_strdup(hub);

    g_strdelimit(name, "/\\%", '_');
    return name[0] == '.' ? g_strdup_printf("hub/%%2e%s", name + 1)
                          : g_strdup_printf("hub/%s", name);
}

bool
log_is_of_hub(const char *path, const char *hub)
{
    g_autofree char *folder = log_hub_folder(hub);
    size_t n = strlen(folder);

    return g_ascii_strncasecmp(path, folder, n) == 0 && path[n] == '/';
}
