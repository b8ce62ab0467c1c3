/* What is said about walls, and what another process may say about them. */
#include "sandbox/walls.h"
#include "tap.h"

#include <errno.h>

int main(void)
{
    struct walls walls = {0}, copy;
    char text[256];
    CHECK_INT(walls_missing(&walls), WALL_COUNT);
    for (int i = 0; i < WALL_COUNT; i++) {
        CHECK(*walls_name((enum wall)i) && *walls_stops((enum wall)i));
        walls_stand(&walls, (enum wall)i, "");
    }
    CHECK_INT(walls_missing(&walls), 0);
    CHECK_STR(walls_text(&walls, text, sizeof text), "");
    CHECK(walls_sound(&walls));

    walls_refuse(&walls, WALL_NETWORK, EPERM);
    walls_refuse(&walls, WALL_LANDLOCK, ENOSYS);
    CHECK_INT(walls_missing(&walls), 2);
    CHECK_STR(walls_text(&walls, text, sizeof text),
              "the kernel refused: network namespace (Operation not permitted), "
              "Landlock (Function not implemented)");
    CHECK_STR(walls_text(&walls, text, 30), "the kernel refused: network n");
    CHECK(walls_sound(&walls));
    CHECK_STR(walls_name(WALL_COUNT), "");

    copy = walls;
    memset(copy.wall[WALL_IPC].why, 'x', WALL_WHY);
    CHECK(!walls_sound(&copy));
    copy = walls;
    copy.wall[WALL_IPC].why[0] = '\033';
    CHECK(!walls_sound(&copy));
    copy = walls;
    memset(&copy.wall[WALL_IPC].stands, 2, 1);
    CHECK(!walls_sound(&copy));
    return tap_done();
}
