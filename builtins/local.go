package builtins

func localCommands() family {
	return family{
		"LOCALCHDIR": (*State).localChangeDir,
		"LOCALCWDIR": (*State).localCurrentDir,
		"LOCALMKDIR": (*State).localMakeDir,
		"LOCALRMDIR": (*State).localRemoveDir,
	}
}

// localChangeDir changes the directory of the run; the process stays where it is.
func (s *State) localChangeDir(a *arguments) error {
	dir, err := s.files.ChangeDir(s.here, a.text(0))
	if err != nil {
		return err
	}
	s.here = dir
	return nil
}

// localCurrentDir is LOCALCWDIR and LOCALCWDIR($directory). The path is as the
// script would write it, not where a mapped drive really lies.
func (s *State) localCurrentDir(a *arguments) error {
	a.gives(s.here.String())
	return nil
}

func (s *State) localMakeDir(a *arguments) error {
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	return s.files.Mkdir(path)
}

func (s *State) localRemoveDir(a *arguments) error {
	path, err := s.localPath(a.text(0))
	if err != nil {
		return err
	}
	return s.files.Rmdir(path)
}
