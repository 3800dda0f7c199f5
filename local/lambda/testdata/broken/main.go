// Broken is a function that cannot start.
package main

import "log"

func main() { log.Fatal(`{"why":"the environment has no TABLE"}`) }
