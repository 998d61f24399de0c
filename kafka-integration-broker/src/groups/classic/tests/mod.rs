mod commits;
mod joins;
mod leaving;
mod restarts;
mod scene;
mod statics;
mod syncs;
